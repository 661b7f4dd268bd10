"""kvpress in a process of its own, with its model loaded."""
import json
import os
import pathlib
import select
import subprocess
import sys

from .command import fail

DTYPES = {"float32": "F32", "bfloat16": "BF16"}
FOLDER = pathlib.Path(__file__).parent.parent  # of this package


class Kvpress:
    def __init__(self, options, dtype):
        self.name = f"{'kvx' if options.self else 'kvpress'} {DTYPES[dtype]}"
        python = sys.executable if options.self else options.venv / "bin/python"
        engine = options.kvx / "kvx-eval" if options.self else "kvpress"
        self.process = subprocess.Popen(
            [str(part) for part in (python, "-B", "-m", "peer.worker", engine, options.model, options.data, dtype,
                                    options.threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(FOLDER)})
        self.answer()
        self.seconds(("none", 0), 1, 1)  # the first one is slower

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            fail(f"{self.name} ended; see its last message above")
        return line

    def seconds(self, cell, requests, new_tokens, at_most=None):
        """How long a cell takes: the prefill of its contexts, the press and the answers. None if that is too long."""
        print(json.dumps([*cell, requests, new_tokens]), file=self.process.stdin, flush=True)
        if not select.select([self.process.stdout], [], [], at_most)[0]:
            return None
        return float(self.answer())

    def close(self):
        self.process.kill()
        self.process.communicate()


def faster_kvpress(options, cell):
    """kvpress in the dtype that takes less time for a whole cell of the grid."""
    best = best_seconds = None
    for dtype in DTYPES:
        peer = Kvpress(options, dtype)
        seconds = peer.seconds(cell, options.limit, options.new_tokens, at_most=best_seconds)
        found = f"more than {best_seconds:.1f} s" if seconds is None else f"{seconds:.1f} s"
        print(f"peers.py: {peer.name} takes {found} for {cell[0]} at {cell[1]}", file=sys.stderr)
        if seconds is None:
            peer.close()
            continue
        if best:
            best.close()
        best, best_seconds = peer, seconds
    return best

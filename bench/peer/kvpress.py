"""Runs kvpress in a separate process, with its model loaded."""
import json
import os
import pathlib
import select
import subprocess
import sys

from .command import fail

DTYPES = {"float32": "F32", "bfloat16": "BF16"}
FOLDER = pathlib.Path(__file__).parent.parent  # the folder of this package


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
        self.seconds(("none", 0), 1, 1)  # the first run is slower

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            fail(f"{self.name} ended; see its last message above")
        return line

    def seconds(self, cell, requests, new_tokens, at_most=None):
        """Returns the seconds of a cell: prefill of its contexts, press and answers. None if longer than `at_most`."""
        print(json.dumps([*cell, requests, new_tokens]), file=self.process.stdin, flush=True)
        if not select.select([self.process.stdout], [], [], at_most)[0]:
            return None
        return float(self.answer())

    def close(self):
        self.process.kill()
        self.process.communicate()


def faster_kvpress(options, cell):
    """Returns kvpress in the dtype that needs less time for a complete cell of the grid."""
    best = best_seconds = None
    for dtype in DTYPES:
        peer = Kvpress(options, dtype)
        seconds = peer.seconds(cell, options.limit, options.new_tokens, at_most=best_seconds)
        duration = f"more than {best_seconds:.1f} s" if seconds is None else f"{seconds:.1f} s"
        print(f"peers.py: {peer.name} takes {duration} for {cell[0]} at {cell[1]}", file=sys.stderr)
        if seconds is None:
            peer.close()
            continue
        if best:
            best.close()
        best, best_seconds = peer, seconds
    return best

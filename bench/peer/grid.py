"""Grids of presses and ratios: compares one run of kvx-eval with kvpress pipelines, one for each cell."""
import itertools
import json
import pathlib
import statistics
import tempfile
from typing import NamedTuple

from .command import alternate, fail, timed
from .worker import KVPRESS


class Grid(NamedTuple):
    presses: list
    ratios: list
    peer_cells: int  # the cells that kvpress is timed on for each run of kvx; different ones each time

    def cells(self):
        return [("none", 0), *itertools.product(self.presses, self.ratios)]

    def sample(self, count):
        """Returns `count` evenly spread cells among those that kvpress can run."""
        cells = [cell for cell in self.cells() if cell[0] == "none" or cell[0] in KVPRESS]
        return [cells[(2 * i + 1) * len(cells) // (2 * count)] for i in range(count)]


SMALL = Grid(["snapkv", "knorm", "expected_attention"], [0.25, 0.5, 0.75], 1)
LARGE = Grid(["random", "knorm", "streaming_llm", "snapkv", "expected_attention", "tova", "observed_attention"],
             [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8], 2)


class GridTimes(NamedTuple):
    """Medians of the runs."""
    seconds: float
    peer_seconds: float
    peer_cells: int
    memory: float  # the peak memory of kvx, in bytes
    caches: float  # all caches of the grid, in bytes


def run_kvx_eval(options, grid):
    with tempfile.TemporaryDirectory() as out:
        seconds, memory = timed([
            options.kvx / "kvx-eval", "tool_call", "--model", options.model, "--data", options.data, "--limit",
            options.limit, "--press", ",".join(grid.presses), "--ratio", ",".join(map(str, [0, *grid.ratios])),
            "--max-new-tokens", options.new_tokens, "--threads", options.threads, "--out", out])
        # As in files of lm-evaluation-harness, a task is the answers of one cell to one group of samples.
        results = [config["metadata"] for config in
                   json.loads(pathlib.Path(out, "results.json").read_text())["configs"].values()]
    cells = {(cell["press"], cell["compression_ratio"]) for cell in results}
    if cells != set(grid.cells()):
        fail(f"expected the cells {sorted(grid.cells())} of kvx, found {sorted(cells)}")
    return seconds, memory, sum(cell["kept_bytes"] for cell in results)


def time_grid(options, peer, grid, repeats):
    sample = iter(grid.sample(repeats * grid.peer_cells))

    def kvx():
        return run_kvx_eval(options, grid)

    def kvpress():
        return [peer.seconds(cell, options.limit, options.new_tokens)
                for cell in itertools.islice(sample, grid.peer_cells)]

    ours, theirs = alternate(repeats, kvx, kvpress)
    seconds, memory, caches = (statistics.median(column) for column in zip(*ours))
    theirs = list(itertools.chain(*theirs))
    return GridTimes(seconds, statistics.mean(theirs) * len(grid.cells()), len(theirs), memory, caches)

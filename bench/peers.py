#!/usr/bin/env python3
"""Compares the speed of kvx with kvpress and llama.cpp on one machine, and writes the README's table of medians.

Runs of kvx and of a peer alternate. kvx is timed as complete processes, including loading. kvpress is timed without its
imports and without loading its model, in the faster of its two dtypes, on some cells of each grid. The first run
installs the peers under build/peers, which takes a while. Do not use the machine for anything else meanwhile. With
--self, kvx is compared with itself, and nothing is installed.
"""
import argparse
import json
import os
import pathlib
import statistics
import sys
import time

sys.dont_write_bytecode = True
from peer.grid import LARGE, SMALL, time_grid
from peer.install import install
from peer.kvpress import faster_kvpress
from peer.speed import Machine, batch_row, figure, int8_row, kvx_bench, speed_rows

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "examples/data"))
from tool_call import own_calls, rows_of
from tool_call_tools import FAMILIES

WORK = ROOT / "build/peers"
PARTS = "grid,large,prefill,decode,batch,int8"


def default_data():
    """Requests to one catalog of 24 tools, as JSON lines."""
    path = WORK / "catalog24.jsonl"
    WORK.mkdir(parents=True, exist_ok=True)
    families = ("shipping", "travel", "messages")
    calls = [call for family in families for tool_calls in own_calls(family).values() for call in tool_calls]
    tools = [tool for family in families for tool in FAMILIES[family]]
    with open(path, "w") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows_of(tools, calls))
    return path


def grid_rows(options, machine, parts):
    peer = faster_kvpress(options, ("snapkv", 0.5))
    if "grid" in parts:
        times = time_grid(options, peer, SMALL, options.repeats)
        data = "catalog of 24 tools" if options.data == WORK / "catalog24.jsonl" else pathlib.Path(options.data).name
        yield (f"grid of {len(SMALL.cells())} cells × {options.limit} requests, {data}, "
               f"{options.new_tokens} new tokens",
               f"{figure(times.seconds)} s",
               f"{peer.name}: {figure(times.peer_seconds)} s ({times.peer_cells} of its cells timed)",
               times.peer_seconds / times.seconds)
        planned = machine.report["size"] + times.caches
        print(f"peers.py: kvx-eval's memory at its peak: {times.memory / 1e6:.0f} MB; its weights and caches are "
              f"{planned / 1e6:.0f} MB", file=sys.stderr)
    if "large" in parts:
        times = time_grid(options, peer, LARGE, 1)
        answers = options.limit * len(LARGE.cells())
        yield (f"an answer of a grid of {len(LARGE.cells())} cells × {options.limit} requests, run once",
               f"{figure(times.seconds / answers)} s",
               f"{peer.name}: {figure(times.peer_seconds / answers)} s ({times.peer_cells} of its cells timed)",
               times.peer_seconds / times.seconds)
    peer.close()


def table(options, machine, rows):
    report = machine.report
    model, dtype = report["model"].rsplit(" ", 1)
    others = ", ".join(path for path in machine.peaks if path != report["backend"])
    text = (f"{model} in {dtype.upper()} on {options.threads} cores of an {report['cpu']} "
            f"({time.strftime('%Y-%m-%d')}; path {report['backend']}, others: {others}; together they reach "
            f"{machine.peak():.0f} GFLOPS and read {machine.read:.1f} GB/s); medians of {options.repeats} runs, "
            "alternating with the peer:\n\n| test | kvx | peer | ratio |\n| --- | --- | --- | --- |\n")
    for name, kvx, peer, ratio in rows:
        text += f"| {name} | {kvx} | {peer} | {'' if ratio is None else f'{ratio:.1f}'} |\n"
    return text


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("model", help="directory of a Qwen2 model")
    add("--only", default=PARTS, help=f"parts of the table, separated by commas (default {PARTS})")
    add("--self", action="store_true", help="compare kvx with itself, to try this script")
    add("--data", help="requests as JSON lines; default: those to the catalog of 24 tools in examples/data")
    add("--limit", type=int, default=12, help="requests in a grid (default 12)")
    add("--new-tokens", type=int, default=64, help="tokens of an answer, and of a decoding run (default 64)")
    add("--prompts", default="512,4096", help="tokens to prefill, separated by commas (default 512,4096)")
    add("--repeats", type=int, default=3, help="runs of kvx and of the peer (default 3); the large grid is run once")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add("--venv", type=pathlib.Path, default=WORK / "venv", help="virtual environment, created if missing")
    add("--llama", type=pathlib.Path, default=WORK / "llama", help="build of llama.cpp, created if missing; its source "
        "is in DIR-src")
    add("--kvx", type=pathlib.Path, default=ROOT / "build/release/examples", help="folder of kvx-eval and kvx-bench")
    add("--out", help="file for the table, which is also printed")
    options = parser.parse_args()
    options.parts = options.only.split(",")
    if unknown := set(options.parts) - set(PARTS.split(",")):
        parser.error(f"--only: expected some of {PARTS}, found {', '.join(sorted(unknown))}")
    options.data = options.data or default_data()
    return options


def main():
    start = time.monotonic()
    options = parse_options()
    if not options.self:
        install(options, options.parts)
    machine, rows = Machine(), []
    kvx_bench(options, machine, "0", 0)
    machine.loads.clear()  # this load may have read from the disk
    if {"grid", "large"} & set(options.parts):
        rows += grid_rows(options, machine, options.parts)
    if {"prefill", "decode"} & set(options.parts):
        rows += speed_rows(options, machine, options.parts)
    if "batch" in options.parts:
        rows.append(batch_row(options, machine))
    if "int8" in options.parts:
        rows.append(int8_row(options, machine))
    if machine.loads:
        rows.append(("load, warm file cache", f"{statistics.median(machine.loads):.1f} s", "", None))
    text = table(options, machine, rows)
    print(text, end="")
    if options.out:
        pathlib.Path(options.out).write_text(text)
    print(f"peers.py: took {(time.monotonic() - start) / 60:.1f} minutes", file=sys.stderr)


if __name__ == "__main__":
    main()

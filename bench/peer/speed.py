"""Prefill and decode: compares kvx-bench with llama-bench, or with itself."""
import json
import statistics

from .command import alternate, run

BATCH, DEPTH = 64, 1024


class Machine:
    """The speed of the machine: the best of the measurements of all runs of kvx-bench."""

    def __init__(self):
        self.read = 0  # GB/s
        self.peaks = {}  # path -> GFLOPS
        self.loads = []  # seconds
        self.report = None  # of the last run

    def add(self, report):
        self.read = max(self.read, report["read_gb_per_second"])
        for path, peak in report["peak_gflops"].items():
            self.peaks[path] = max(self.peaks.get(path, 0), peak)
        self.loads.append(report["load_seconds"])
        self.report = report

    def peak(self):
        """The highest peak of the path in use and of the paths before it, whose instructions it can also use."""
        paths = list(self.peaks)
        return max(self.peaks[path] for path in paths[:paths.index(self.report["backend"]) + 1])


def kvx_bench(options, machine, prompts, new_tokens, depth=0, batches="1", weights="bf16"):
    report = json.loads(run(
        options.kvx / "kvx-bench", "--model", options.model, "-t", options.threads, "-r", 1, "-o", "json", "-p",
        prompts, "-n", new_tokens, "-d", depth, "-b", batches, "--weights", weights))
    if weights == "bf16":
        machine.add(report)
    return report["tests"]


def llama_bench(options, prompts, new_tokens):
    """Returns a list of tests with n_prompt, n_gen and avg_ts."""
    if options.self:
        return [{"n_prompt": test["prompt"], "n_gen": test["steps"], "avg_ts": test["tokens_per_second"]}
                for test in kvx_bench(options, Machine(), prompts, new_tokens)]
    return json.loads(run(options.llama / "bin/llama-bench", "-m", options.gguf, "-t", options.threads, "-r", 1, "-o",
                          "json", "-p", prompts, "-n", new_tokens))


def flops(test):
    return test["flops_per_token"] + test["attention_flops_per_token"]


def figure(value):
    """Formats a number with three digits, or with all digits before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def speed_rows(options, machine, parts):
    """Yields the rows for prefill and decode of one sequence, compared with llama.cpp."""
    prompts = options.prompts if "prefill" in parts else "0"
    new_tokens = options.new_tokens if "decode" in parts else 0
    peer = "kvx" if options.self else "llama.cpp"

    def kvx():
        return kvx_bench(options, machine, prompts, new_tokens)

    def llama():
        return {(test["n_prompt"], test["n_gen"]): test["avg_ts"] for test in llama_bench(options, prompts, new_tokens)}

    ours, theirs = alternate(options.repeats, kvx, llama)
    for tests in zip(*ours):
        first = tests[0]
        mine = statistics.median(test["tokens_per_second"] for test in tests)
        other = statistics.median(result[first["prompt"], first["steps"]] for result in theirs)
        if first["prompt"]:
            name, fraction = f"prefill, {first['prompt']} tokens", mine * flops(first) / 1e9 / machine.peak()
            limit = "peak"
        else:
            name, fraction = "decode, one sequence", mine * first["bytes_per_token"] / 1e9 / machine.read
            limit = "read bandwidth"
        yield (name, f"{figure(mine)} tokens/s ({100 * fraction:.0f} % of the {limit})",
               f"{peer} BF16: {figure(other)}", mine / other)


def batch_row(options, machine):
    steps = max(1, options.new_tokens // 4)  # each step decodes many tokens
    runs = [kvx_bench(options, machine, "0", steps, DEPTH, f"1,{BATCH}") for _ in range(options.repeats)]
    one, many = (statistics.median(test["tokens_per_second"] for test in tests) for tests in zip(*runs))
    fraction = many * flops(runs[0][1]) / 1e9 / machine.peak()
    return (f"decode, {BATCH} sequences on one prefix of {DEPTH} rows",
            f"{figure(many)} tokens/s ({100 * fraction:.0f} % of the peak)", f"kvx, one: {figure(one)}", many / one)


def int8_row(options, machine):
    def decode(weights):
        def kvx():
            return kvx_bench(options, machine, "0", options.new_tokens, weights=weights)[0]["tokens_per_second"]
        return kvx

    ours, bf16 = (statistics.median(side) for side in alternate(options.repeats, decode("int8"), decode("bf16")))
    return ("decode, one sequence, `--weights int8`", f"{figure(ours)} tokens/s", f"kvx, BF16: {figure(bf16)}",
            ours / bf16)

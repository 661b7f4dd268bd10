"""Times cells in the peers' virtual environment. Reads lines of [press, ratio, requests, new tokens] and answers each
with its seconds.

usage: python3 -m peer.worker ENGINE MODEL DATA DTYPE THREADS
ENGINE is kvpress, or the path of kvx-eval, which then takes its place.
"""
import itertools
import json
import sys
import tempfile
import time

from .command import run

# Without observed_attention, for which kvpress needs another, slower attention during the whole run.
KVPRESS = {"random": "RandomPress", "knorm": "KnormPress", "streaming_llm": "StreamingLLMPress",
           "snapkv": "SnapKVPress", "expected_attention": "ExpectedAttentionPress", "tova": "TOVAPress"}


def kvpress_cells(model, data, dtype, threads):
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

    def run_cell(name, ratio, count, new_tokens):
        press = None if name == "none" else getattr(kvpress, KVPRESS[name])(compression_ratio=ratio)
        for context, group in itertools.groupby(requests[:count], key=lambda request: request["context"]):
            group = list(group)
            with torch.no_grad():
                pipeline(context, questions=[request["question"] for request in group], press=press,
                         answer_prefix=group[0]["answer_prefix"], max_new_tokens=new_tokens)

    return run_cell


def kvx_cells(program, model, data, dtype, threads):
    def run_cell(name, ratio, count, new_tokens):
        with tempfile.TemporaryDirectory() as out:
            run(program, "tool_call", "--model", model, "--data", data, "--limit", count, "--press", name, "--ratio",
                ratio, "--max-new-tokens", new_tokens, "--threads", threads, "--dtype",
                {"float32": "f32", "bfloat16": "bf16"}[dtype], "--out", out)

    return run_cell


def main(engine, *rest):
    answers, sys.stdout = sys.stdout, sys.stderr
    run_cell = kvpress_cells(*rest) if engine == "kvpress" else kvx_cells(engine, *rest)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        start = time.monotonic()
        run_cell(*json.loads(line))
        print(time.monotonic() - start, file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

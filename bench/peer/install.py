"""Installs the peers."""
import os
import pathlib
import sys
import tempfile

from .command import run

PACKAGES = "torch==2.13.0 transformers kvpress==0.5.5 jsonschema numpy gguf sentencepiece".split()
LLAMA = "llama-cpp-python==0.3.36"  # its source distribution contains llama.cpp


def install(options, parts):
    """Installs what is missing and needed by `parts`: kvpress, llama-bench and the model as GGUF."""
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
        unfinished = options.gguf.with_suffix(".part")
        run(python, vendored / "convert_hf_to_gguf.py", options.model, "--outtype", "bf16", "--outfile", unfinished)
        unfinished.rename(options.gguf)

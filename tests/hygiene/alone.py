"""Usage: alone.py STATE_FOLDER COMPILER FLAGS...   Checks that each kvx header compiles alone. Runs in include/.

Compiling a header checks more than that header. Within it, a header that it includes is compiled as if alone whenever
all that was included earlier is also included by that header itself. The same holds for a precompiled base that is
among a header's own includes: it hides nothing. So few headers need a full compile of their own, and none is compiled
again until it, or a file that it includes, has changed. A compile ends once all is parsed, by an error of our own: the
code of templates would take as long again.
"""

import hashlib
import multiprocessing.pool
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
from headers import closure, includes, texts

# What many headers include, later ones more of it; each is precompiled once.
BASES = [
    "kvx/core/tensor_view.hpp",
    "kvx/press/policy.hpp",
    "kvx/io/json/json.hpp",
    "kvx/kernels/packed_matrix.hpp",
    "kvx/score/task.hpp",
    "kvx/model/weights.hpp",
    "kvx/eval/tables/results_text.hpp",
]

PARSED = "all of the header is parsed"

state = pathlib.Path(sys.argv[1])
compiler = sys.argv[2:]


def checked_by(header, base):
    """The headers that are compiled as if alone where `header` is compiled on top of `base`."""
    seen = set(closure(base)) if base else set()
    checked = []

    def visit(file):
        if file in seen:
            return
        for included in includes.get(file, []):
            visit(included)
        if file in includes and seen <= closure(file):
            checked.append(file)
        seen.add(file)

    visit(header)
    return checked


def key_of(header):
    """Changes with the header, its includes and the compiler."""
    files = sorted(closure(header) & texts.keys())
    parts = [version, *compiler, *(part for file in files for part in (file, texts[file]))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def compile_file(file, text, *arguments):
    """Returns what the compiler says, or "" when it says nothing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    result = subprocess.run([*compiler, "-w", *arguments, str(file)], capture_output=True, text=True)
    return result.stderr or "the compiler failed" if result.returncode else ""


def base_file(base):
    return state / "bases" / base


def precompile(base):
    file = base_file(base)
    return base, compile_file(file, f"#include <{base}>\n", "-x", "c++-header", "-o", f"{file}.gch")


def compile_alone(header):
    on_base = ["-include", str(base_file(base_of[header]))] if header in base_of else []
    error = compile_file(
        state / "sources" / f"{header}.cpp",
        f'#include <{header}>\nstatic_assert(false, "{PARSED}");\n',
        *["-fsyntax-only", "-Wfatal-errors", *on_base],
    )
    return header, "" if f"{header}.cpp:2:" in error and PARSED in error else error or "the compiler found no end"


version = subprocess.run([compiler[0], "--version"], capture_output=True, text=True, check=True).stdout
passed = state / "passed"
passed.mkdir(parents=True, exist_ok=True)
todo = {header for header in texts if not (passed / key_of(header)).exists()}

# Larger headers first: they check the most others.
base_of, covers = {}, {}
for header in sorted(todo, key=lambda header: -len(closure(header))):
    if any(header in covered for covered in covers.values()):
        continue
    fitting = [base for base in BASES if base != header and base in closure(header)]
    if fitting and len(todo) > 20:  # a base takes as long as several headers
        base_of[header] = max(fitting, key=lambda base: len(closure(base)))
    covers[header] = set(checked_by(header, base_of.get(header))) & todo

with multiprocessing.pool.ThreadPool(os.cpu_count()) as pool:
    failed = [(base, error) for base, error in pool.imap(precompile, sorted(set(base_of.values()))) if error]
    for header, error in pool.imap(compile_alone, covers if not failed else [], chunksize=1):
        if error:
            failed.append((header, error))
            continue
        for covered in covers[header]:
            (passed / key_of(covered)).touch()
for header, error in failed:
    print(f"{header} does not compile alone:\n{error}")
print(f"{len(todo)} of {len(texts)} headers are new or changed, checked by {len(covers)} compiles")
sys.exit(bool(failed))

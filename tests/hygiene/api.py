"""Checks the list of public headers in docs/api.md. Runs at the top of the tree.

Every header of the list exists and is listed once. The C++ sources in examples/ and its folders, and the ```cpp blocks
of README.md and docs/*.md, include no other header of kvx, except those of the policies, which policies.hpp includes.
"""

import pathlib
import re
import sys

LIST = pathlib.Path("docs/api.md")
POLICIES = pathlib.Path("include/kvx/press/named/policies.hpp")
INCLUDE = r"^ *# *include <(kvx/[^>]+)>"

listed = re.findall(r"`(kvx/[^`]+\.hpp)`", "\n".join(re.findall(r"^\|.*$", LIST.read_text(), re.M)))
problems = [f"{LIST}: expected a table of headers, found none"] if not listed else []
for header in sorted(set(listed)):
    if not (pathlib.Path("include") / header).is_file():
        problems.append(f"{LIST}: {header} does not exist")
    if listed.count(header) > 1:
        problems.append(f"{LIST}: {header} is listed {listed.count(header)} times")

policies = [header for header in re.findall(INCLUDE, POLICIES.read_text(), re.M) if header.count("/") == 2]
sources = [(path, path.read_text()) for path in sorted(pathlib.Path("examples").rglob("*.?pp"))]
for page in [pathlib.Path("README.md"), *sorted(pathlib.Path("docs").glob("*.md"))]:
    sources.append((page, "\n".join(re.findall(r"^```cpp\n(.*?)^```", page.read_text(), re.M | re.S))))
for path, text in sources:
    for header in re.findall(INCLUDE, text, re.M):
        if header not in listed and header not in policies:
            problems.append(f"{path}: {header} is not listed in {LIST}")
for problem in problems:
    print(problem)
sys.exit(bool(problems))

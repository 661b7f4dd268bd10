"""Checks that kvx/kvx.hpp includes every header of kvx, by itself or through others. Runs in include/."""

import pathlib
import re
import sys

headers = {str(path) for path in pathlib.Path("kvx").rglob("*.hpp")}
waiting = ["kvx/kvx.hpp"]
reached = set(waiting)
while waiting:
    text = pathlib.Path(waiting.pop()).read_text()
    for included in re.findall(r"^ *# *include <(kvx/[^>]+)>", text, re.M):
        if included not in reached:
            reached.add(included)
            waiting.append(included)
missing = sorted(headers - reached)
for header in missing:
    print(f"{header}: kvx/kvx.hpp does not include it")
sys.exit(1 if missing else 0)

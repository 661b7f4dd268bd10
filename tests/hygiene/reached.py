"""Checks that kvx/kvx.hpp includes every header of kvx, by itself or through others. Runs in include/."""

import sys

sys.dont_write_bytecode = True
from headers import closure, includes

missing = sorted(includes.keys() - closure("kvx/kvx.hpp"))
for header in missing:
    print(f"{header}: kvx/kvx.hpp does not include it")
sys.exit(1 if missing else 0)

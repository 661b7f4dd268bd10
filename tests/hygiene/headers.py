"""The headers of kvx, and what they include. Imported by a script that runs in include/."""

import functools
import pathlib
import re

texts = {str(path): path.read_text() for path in sorted(pathlib.Path("kvx").rglob("*.hpp"))}
includes = {header: re.findall(r"^ *# *include <([^>]+)>", text, re.M) for header, text in texts.items()}


@functools.cache
def closure(header):
    """A header and all that it includes; foreign headers are not looked into."""
    return frozenset([header]).union(*(closure(included) for included in includes.get(header, [])))

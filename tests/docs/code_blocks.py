"""Usage: code_blocks.py FOLDER COMPILER FLAGS...   Checks that the C++ examples of the documentation compile.

Runs at the top of the tree. Each ```cpp block of README.md and docs/*.md becomes a source file in FOLDER and is compiled
as a translation unit of its own. A block whose first line is `// continued` is appended to the block before it on the
same page. Lines keep their numbers, so that the compiler's messages name the page and the line of the error.
"""

import dataclasses
import multiprocessing.pool
import os
import pathlib
import subprocess
import sys

FENCE = "```"
CONTINUED = "// continued"


@dataclasses.dataclass
class Block:
    page: pathlib.Path
    line: int  # of the first line of code
    text: str


def blocks_of(page):
    """The blocks of a page, those that continue another one joined to it. Throws ValueError for a broken block."""
    blocks = []
    language, start, code = None, 0, []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if language is None and line.startswith(FENCE):
            language, start, code = line.removeprefix(FENCE).strip(), number, []
        elif language is None:
            continue
        elif line.rstrip() != FENCE:
            code.append(line)
        else:
            if language == "cpp":
                text = "".join(f"{each}\n" for each in [f'#line {start + 1} "{page}"', *code])
                if code and code[0].strip() == CONTINUED:
                    if not blocks:
                        raise ValueError(f"{page}:{start}: expected a block before the one that continues it, found none")
                    blocks[-1].text += text
                else:
                    blocks.append(Block(page, start + 1, text))
            language = None
    if language is not None:
        raise ValueError(f"{page}:{start}: expected the end of the block, found the end of the page")
    return blocks


def compile_block(numbered):
    """Returns the block and what the compiler says, or "" if it compiles."""
    number, block = numbered
    source = folder / f"{number:02}_{block.page.stem}_{block.line}.cpp"
    source.write_text(block.text)
    result = subprocess.run([*compiler, "-fsyntax-only", str(source)], capture_output=True, text=True)
    return block, (result.stderr or "the compiler failed") if result.returncode else ""


if len(sys.argv) < 3:
    sys.exit(__doc__)
folder, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
folder.mkdir(parents=True, exist_ok=True)
for old in folder.glob("*.cpp"):
    old.unlink()
try:
    blocks = [block for page in [pathlib.Path("README.md"), *sorted(pathlib.Path("docs").glob("*.md"))]
              for block in blocks_of(page)]
except ValueError as error:
    sys.exit(str(error))
if not blocks:
    sys.exit(f"README.md, docs/*.md: expected a block {FENCE}cpp, found none")
failed = 0
with multiprocessing.pool.ThreadPool(os.cpu_count()) as pool:
    for block, error in pool.imap(compile_block, enumerate(blocks)):
        if error:
            failed += 1
            print(f"{block.page}:{block.line}: this block does not compile:\n{error}")
print(f"{len(blocks) - failed} of {len(blocks)} blocks compile")
sys.exit(failed > 0)

"""Puts what a page's commands print into the page: python docs/write_outputs.py [PAGE...]

A page says `<!-- printed by: COMMAND -->`, and what stands between that line and `<!-- end -->` is
replaced by what the command prints, run at the top of the checkout. $PHOTOS is the folder of
scikit-image's sample photos. Without a page: all of docs/.
"""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parent
BLOCK = re.compile(r"<!-- printed by: (.+?) -->\n(.*?)<!-- end -->", re.DOTALL)


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """Each command of a page, and what the page shows for it."""
    yield from BLOCK.findall(page)


def shown(command: str) -> str:
    """What a command prints, as a page shows it: a table as it is, all else as plain text."""
    photos = importlib.util.find_spec("skimage")
    assert photos is not None
    assert photos.origin is not None
    os.environ.setdefault("PHOTOS", str(Path(photos.origin).parent / "data"))
    words = [os.path.expandvars(word) for word in shlex.split(command)]
    if words[0] == "python":
        words[0] = sys.executable
    done = subprocess.run(words, cwd=DOCS.parent, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command} failed:\n{done.stderr}")
    text = done.stdout.rstrip("\n")
    return f"{text}\n" if text.startswith("|") else f"```text\n{text}\n```\n"


def rewritten(page: str) -> str:
    """The page with each block's content printed anew."""
    return BLOCK.sub(
        lambda found: f"<!-- printed by: {found[1]} -->\n{shown(found[1])}<!-- end -->", page
    )


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:] or sorted(DOCS.glob("*.md"))):
        before = file.read_text("utf-8")
        if (after := rewritten(before)) != before:
            file.write_text(after, "utf-8")
            print(f"{file}: written")

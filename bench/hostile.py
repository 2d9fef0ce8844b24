"""Index files that mean harm: what becomes of each, and of the program's memory.

    python -m bench.hostile [--light] [--write docs/reliability.md]

Generates the corpus of tests/library/hostile.py and indexes it at once. Memory is the program's
own, not its workers': by how much it grew at most, and what was left of that at the end. `--light`
leaves out the few that take a minute or 100 MB each.
"""

import argparse
import os
import tempfile
from collections import Counter
from pathlib import Path

from bench._page import put
from tests.library.accounting import Account, index_and_account
from tests.library.albums import album
from tests.library.hostile import corpus, write
from tests.packs.tiny_pack import build

from albumen.library.home import Home

SECONDS = 3600.0
HEAD = (
    "| files | number | indexed | refused, with a reason | unaccounted for |\n"
    "|---|---|---|---|---|\n"
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hostile")
    parser.add_argument("--light", action="store_true")
    parser.add_argument("--write", type=Path, metavar="PAGE")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        text = _generated(Path(name), heavy=not asked.light)
    print(text)
    if asked.write:
        put(asked.write, "bench.hostile", text)


def _generated(place: Path, *, heavy: bool) -> str:
    files = write(place / "hostile", corpus(heavy=heavy))
    found = account(place, place / "hostile")
    refused = {_name(path) for path in found.reasons}
    lost = {_name(path) for path in found.missing}
    kinds = Counter(file.kind for file in files.values())
    rows = []
    for kind, number in kinds.items():
        names = {name for name, file in files.items() if file.kind == kind}
        rows.append(row(kind, number, len(names & refused), len(names & lost)))
    rows.append(row("all", len(files), len(refused), len(lost)))
    good = {name for name, file in files.items() if file.good}
    return (
        HEAD + "\n".join(rows) + f"\n\nOf {len(good)} whole pictures among them "
        f"{len(good - refused - lost)} were indexed. "
        f"{memory([found])} The run took {found.seconds:.0f} s."
        + ("" if heavy else " Left out here: those of 100 MB and of 100 megapixels (`--light`).")
    )


def account(place: Path, folder: Path) -> Account:
    """Index the folder into a library in `place`, after 40 ordinary photos."""
    pack, warm = build(place / "tiny"), album(place / "warm", 40)
    return index_and_account(Home(place / "home"), folder, warm=warm, pack=pack, seconds=SECONDS)


def _name(path: bytes) -> str:
    return os.fsdecode(path.rpartition(b"/")[2])


def row(name: str, number: int, refused: int, lost: int) -> str:
    """A line of the table."""
    return f"| {name} | {number:,} | {number - refused - lost:,} | {refused:,} | {lost:,} |"


def memory(accounts: list[Account]) -> str:
    """How much the program grew, in words."""
    peak, kept = max(a.peak for a in accounts), max(a.kept for a in accounts)
    return (
        f"The program's memory grew by {peak / 1e6:.0f} MB at most, of which {kept / 1e6:.0f} MB "
        "were left at the end."
    )


if __name__ == "__main__":
    main()

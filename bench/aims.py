"""What was aimed for, beside what the tables of docs/performance.md and docs/reliability.md say.

    python -m bench.aims [--check]

Reads the figures out of the tables that the other commands wrote, and writes the summary at the
head of docs/performance.md. --check only says whether it stands there as it should.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench._page import around, put

DOCS = Path(__file__).parents[1] / "docs"
PERFORMANCE, RELIABILITY = DOCS / "performance.md", DOCS / "reliability.md"
MARK, ROW = "bench.aims", "the row"


@dataclass(frozen=True)
class Cell:
    """Where a figure stands: the place of its table, what its row begins with ("" for every row,
    then the worst counts), and its column (of those of one name, which)."""

    mark: str
    row: tuple[str, ...]
    column: str
    which: int = 0
    page: Path = PERFORMANCE


@dataclass(frozen=True)
class Aim:
    """`words`: of what; `aim`: what was wanted, in words; `bound`: as a number, which the figure
    shall not fall below, or not exceed."""

    words: str
    aim: str
    cell: Cell
    kind: Literal["at least", "at most"]
    bound: float
    unit: str = ""


INDEX, SEARCH, LIMITS = "bench.rclip_index", "bench.rclip_search", "bench.limits"
FLOAT32, INT8 = "Albumen, float32", "Albumen, int8"
MILLION, HUNDRED_THOUSAND = "1,000,000", "100,000"
HUFFMAN = "limit: Huffman alone, the whole picture"

AIMS = (
    Aim("12-megapixel photos a second, ViT-B/32 at 256 px, float32", "3 times rclip's",
        Cell(INDEX, (FLOAT32,), "times rclip's"), "at least", 3, " times"),
    Aim("the same in int8, which verified", "4.5 times",
        Cell(INDEX, (INT8,), "times rclip's"), "at least", 4.5, " times"),
    Aim("memory meanwhile, float32", "half of rclip's",
        Cell(INDEX, (FLOAT32,), "of rclip's"), "at most", 0.5),
    Aim("memory meanwhile, int8", "half of rclip's",
        Cell(INDEX, (INT8,), "of rclip's"), "at most", 0.5),
    Aim("the starter's photos a second", "80 % of what entropy decoding alone allows",
        Cell(LIMITS, (HUFFMAN,), "Albumen reaches"), "at least", 80, " %"),
    Aim("a second run over unchanged files, 10,000 to a million", "50,000 a second",
        Cell("bench.library", ("",), "unchanged, a second"), "at least", 50_000),
    Aim("a cold search over 100,000, float32", "half of rclip's time",
        Cell(SEARCH, (HUNDRED_THOUSAND, FLOAT32), "of rclip's"), "at most", 0.5),
    Aim("the same in int8", "half of rclip's time",
        Cell(SEARCH, (HUNDRED_THOUSAND, INT8), "of rclip's"), "at most", 0.5),
    Aim("a cold search over 1,000,000, float32", "a tenth of rclip's time",
        Cell(SEARCH, (MILLION, FLOAT32), "of rclip's"), "at most", 0.1),
    Aim("its memory", "a fifth of rclip's",
        Cell(SEARCH, (MILLION, FLOAT32), "of rclip's", 1), "at most", 0.2),
    Aim("a warm search over 1,000,000", "a second",
        Cell(SEARCH, (MILLION, FLOAT32), "warm"), "at most", 1000, " ms"),
    Aim("the price of decoding in processes of their own, the dearest format", "1.1 times",
        Cell("bench.isolation", ("",), "in workers, times that", 0, RELIABILITY),
        "at most", 1.1, " times"),
)  # fmt: skip


def rows(text: str) -> list[dict[tuple[str, int], str]]:
    """All rows of the Markdown tables in `text`: each cell under its column, and which of that
    name it is; the first cells also under (ROW, 0), (ROW, 1)."""
    found: list[dict[tuple[str, int], str]] = []
    head: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            head = []
        elif not head:
            head = cells
        elif not set(line) <= set("|-: "):
            row = {(ROW, place): cell for place, cell in enumerate(cells[:2])}
            for place, (column, cell) in enumerate(zip(head, cells, strict=True)):
                row[column, head[:place].count(column)] = cell
            found.append(row)
    return found


def figure(aim: Aim) -> str:
    """The figure as it stands in its table; SystemExit if it stands nowhere."""
    cell = aim.cell
    page = cell.page.read_text("utf-8")
    before, after = around(cell.page, cell.mark)
    found = [
        row[cell.column, cell.which]
        for row in rows(page[len(before) : len(page) - len(after)])
        if (cell.column, cell.which) in row
        and all(begin in ("", row[ROW, place]) for place, begin in enumerate(cell.row))
    ]
    if not found:
        raise SystemExit(f"{cell.page.name} has no {cell.column} of {cell.row} at {cell.mark}")
    return (min if aim.kind == "at least" else max)(found, key=number)


def number(said: str) -> float:
    """The first number in a cell."""
    return float(re.findall(r"[\d,]*\.?\d+", said)[0].replace(",", ""))


def line(aim: Aim) -> str:
    """A row of the summary."""
    value = number(figure(aim))
    reached = value >= aim.bound if aim.kind == "at least" else value <= aim.bound
    said = f"{value:,.10g}{aim.unit}"
    return f"| {aim.words} | {aim.aim} | {said if reached else f'**missed**: {said}'} |"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.aims")
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args(arguments)
    table = "| | aim | here |\n|---|---|---|\n" + "\n".join(map(line, AIMS))
    if asked.check:
        before, after = around(PERFORMANCE, MARK)
        return 0 if PERFORMANCE.read_text("utf-8") == f"{before}{table}\n{after}" else 1
    put(PERFORMANCE, MARK, table)
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the pages show is what the programs print."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[1] / "docs"
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?")


def write_outputs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_outputs", DOCS / "write_outputs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BLOCKS = [
    (page.name, command, shown)
    for page in sorted(DOCS.glob("*.md"))
    for command, shown in write_outputs().blocks(page.read_text("utf-8"))
]


def test_each_idea_has_a_program_and_its_page_shows_what_three_of_them_print() -> None:
    page = (DOCS / "four-ideas.md").read_text("utf-8")
    programs = set(re.findall(r"examples/(\w+\.py)", page))
    assert programs == {file.name for file in (DOCS.parent / "examples").glob("*.py")}
    assert sum(name == "four-ideas.md" for name, *_ in BLOCKS) == 3


@pytest.mark.parametrize(("page", "command", "shown"), BLOCKS, ids=[b[1][:40] for b in BLOCKS])
def test_what_a_page_shows_is_what_its_command_prints(page: str, command: str, shown: str) -> None:
    printed = write_outputs().shown(command)
    assert NUMBER.sub("#", printed) == NUMBER.sub("#", shown), f"write {page} anew"
    for given, wanted in zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True):
        assert near(given, wanted), f"{given} where {page} shows {wanted}: write it anew"


def near(given: str, wanted: str) -> bool:
    """Counts are equal; shares and measures may differ a little from processor to processor."""
    one, other = (float(number.rstrip("%").replace(",", "")) for number in (given, wanted))
    if given.endswith("%"):
        return abs(one - other) <= 3
    if given.isdigit() or "," in given:
        return one == other
    return abs(one - other) <= 0.25 * abs(other)


@pytest.mark.parametrize(
    ("given", "wanted", "same"),
    [
        ("448", "448", True),
        ("448", "449", False),
        ("50,331,648", "50,331,649", False),
        ("44%", "46%", True),
        ("44%", "54%", False),
        ("4.9e+03", "5.1e+03", True),
        ("4.9e+03", "4.9e+02", False),
    ],
)
def test_counts_have_to_be_equal_and_measures_near(given: str, wanted: str, same: bool) -> None:
    assert near(given, wanted) is same

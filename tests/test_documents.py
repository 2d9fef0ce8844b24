"""What the documents point at exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLACES = ("src", "tests", "docs", "bench", "recipes", "examples")
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *(page for place in PLACES for page in sorted((ROOT / place).rglob("*.md"))),
]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
MARKED = re.compile(r"^<!-- (?!end )(.+?) -->\n.*?^<!-- end -->", re.MULTILINE | re.DOTALL)
QUOTED_TEST = re.compile(r"`(test_\w+)(?:\.py)?`")
QUOTED_PATH = re.compile(rf"`((?:{'|'.join(PLACES)})/[\w./*-]*)`")


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = [page.parent / link for link in LINK.findall(text) if ":" not in link]
    lost = [str(target) for target in links if not target.exists()]
    lost += [path for path in QUOTED_PATH.findall(text) if not any(ROOT.glob(path.rstrip("/")))]
    assert not lost


def written_tests() -> set[str]:
    """The names of all tests, and of the files that hold them."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    defined = (re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE) for file in files)
    return {file.stem for file in files}.union(*defined)


def test_the_tests_that_documents_name_are_there() -> None:
    named = {name for page in DOCUMENTS for name in QUOTED_TEST.findall(page.read_text())}
    assert len(named) > 20
    assert named - written_tests() == set()


def marks() -> list[str]:
    return [mark for page in DOCUMENTS for mark in MARKED.findall(page.read_text("utf-8"))]


def test_figures_stand_where_commands_write_them() -> None:
    assert {"bench.models", "bench.published", "recipes.starter.report"} <= {*marks()}


@pytest.mark.parametrize("mark", sorted({*marks()}), ids=lambda mark: mark[:40])
def test_what_writes_a_figure_is_there(mark: str) -> None:
    if mark.startswith("printed by: "):  # tests/test_four_ideas.py runs these
        return
    module = mark.split()[0]  # a page may hold several tables of one command
    assert (ROOT / f"{module.replace('.', '/')}.py").is_file()

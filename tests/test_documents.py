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
QUOTED_PATH = re.compile(rf"`((?:{'|'.join(PLACES)})/[\w./*-]*)`")


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = [page.parent / link for link in LINK.findall(text) if ":" not in link]
    lost = [str(target) for target in links if not target.exists()]
    lost += [path for path in QUOTED_PATH.findall(text) if not any(ROOT.glob(path.rstrip("/")))]
    assert not lost

"""docs/commands.md says what the commands' own help says."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_written_from_the_help() -> None:
    writer = runpy.run_path(str(DOCS / "write_commands.py"))
    assert (DOCS / "commands.md").read_text("utf-8") == writer["page"](), (
        "write it anew: python docs/write_commands.py"
    )

"""A measurement on shards that a pack has embedded, with an empty library at hand: docs/tags.md."""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench._page import put

from albumen.evaluation.embedding import Embedded, embed
from albumen.library.home import Home
from albumen.library.store import Store
from albumen.packs import Pack, open_pack

PAGE = Path(__file__).parents[1] / "docs/tags.md"


def write_table(about: str, mark: str, table_of: Callable[[Store, Pack, Embedded], str]) -> None:
    """Read the command line, print the table, and put it into the page where that is asked for."""
    arguments = argparse.ArgumentParser(description=about)
    arguments.add_argument("shards", nargs="+", type=Path)
    arguments.add_argument("--pack", default="starter")
    arguments.add_argument("--write", action="store_true", help="into docs/tags.md")
    options = arguments.parse_args()
    pack = open_pack(options.pack)
    embedded = embed(options.shards, pack, lambda progress: None)
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Home(Path(folder) / "home"), create=True) as store,
    ):
        table = table_of(store, pack, embedded)
    print(table)
    if options.write:
        put(PAGE, mark, table)

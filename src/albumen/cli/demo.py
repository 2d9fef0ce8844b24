"""`albumen demo`: the main job on sample photos, or on one's own, in a minute."""

import os
import shlex
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from albumen.cli.command import Command, Session
from albumen.cli.words import printable
from albumen.errors import UsageError

if TYPE_CHECKING:
    from albumen.search import Answer

SAMPLE_SEARCHES = ("a cat", "a cup of coffee", "a motorcycle")
GENERAL_SEARCHES = ("people smiling", "trees and mountains", "food on a plate")
SHOWN = 3


@click.command(
    "demo",
    cls=Command,
    examples="""
        albumen demo
        albumen demo --photos photos
        PHOTOS=photos albumen demo
    """,
)
@click.option(
    "--photos",
    envvar="PHOTOS",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Your own photos (or PHOTOS=DIR in the environment); sample photos without.",
)
@click.pass_obj
def demo(session: Session, photos: Path | None) -> int:
    """Try it: index sample photos, search them three times, write a contact sheet.

    The demo has a library of its own, in the folder `demo` here (or --library DIR), and leaves
    yours alone. Nothing is fetched from anywhere.
    """
    from albumen.api import Library
    from albumen.cli.index import print_summary
    from albumen.cli.progress import reporter
    from albumen.search import Query, contact_sheet

    folder, searches = _what_to_show(photos)
    home = (session.library or Path("demo")).absolute()
    sheet = home / "contact-sheet.html"
    with Library(home) as library:
        click.echo(f"Indexing {printable(folder)}", err=True)
        with reporter(as_json=False, quiet=False) as report:
            summary = library.index(folder, progress=report)
        print_summary(summary, problems=f"{_program()} problems --library {_short(home)}")
        queries = [Query(text=(words,), under=folder, limit=6, show_all=True) for words in searches]
        answers = [library.answer(query) for query in queries]
        if not answers[0].results:
            return 1
        _print_table(answers, folder)
        contact_sheet.write(sheet, answers, library.store)
    _say_how_to_go_on(sheet)
    return 0


def _what_to_show(photos: Path | None) -> tuple[Path, tuple[str, ...]]:
    """The folder to index, and searches that make sense in it."""
    if photos is not None:
        return photos.expanduser().absolute(), GENERAL_SEARCHES
    found = find_spec("skimage")  # looked for, not imported: that would take a second
    samples = Path(found.origin).parent / "data" if found and found.origin else None
    if samples is None or not samples.is_dir():
        raise UsageError(
            "the sample photos come with scikit-image, which is not installed; "
            "run: pip install 'albumen[demo]', or show your own: albumen demo --photos FOLDER"
        )
    return samples, SAMPLE_SEARCHES


def _print_table(answers: list["Answer"], folder: Path) -> None:
    for answer in answers:
        click.echo(f"\n{click.style(answer.query.text[0], bold=True)}")
        for result in answer.results[:SHOWN]:
            path = result.path
            shown = path.relative_to(folder) if path.is_relative_to(folder) else path
            mark = " " if result.match else "·"
            click.echo(f" {mark}{result.score:.3f}  {printable(shown)}")
    if not all(result.match for answer in answers for result in answer.results[:SHOWN]):
        click.echo("\nA dot: below the cut-off, so a search would show it only with --all.")


def _say_how_to_go_on(sheet: Path) -> None:
    program = _program()
    click.echo(f"\nContact sheet, to open in a browser: {printable(sheet)}")
    click.echo("\nNow with your own photos:")
    click.echo(f"  {program} index ~/Pictures")
    click.echo(f'  {program} search "a dog on a beach" --open')


def _program() -> str:
    """What to type to run this very program again."""
    running = Path(sys.argv[0])
    if running.name != "albumen":
        return "albumen"
    on_path = shutil.which("albumen")
    if on_path and Path(on_path).resolve() == running.resolve():
        return "albumen"
    return _short(running)


def _short(path: Path) -> str:
    """The path as one would type it here."""
    return shlex.quote(min(os.path.relpath(path), str(path.absolute()), key=len))

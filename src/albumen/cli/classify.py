"""`albumen classify`: say what photos show."""

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from albumen.cli.command import Command, Session, pack_option
from albumen.cli.words import counted, one_line, print_json, printable

if TYPE_CHECKING:
    from albumen.cli.progress import Report
    from albumen.library.classify import Classified


@click.command(
    "classify",
    cls=Command,
    examples="""
        albumen classify photo.jpg --labels "a cat, a dog, a coffee latte"
        albumen classify photos --labels "indoors, outdoors" --top 1
        albumen classify photos --labels "a cat, a rocket, a person" --json
    """,
)
@click.argument(
    "photos", nargs=-1, required=True, metavar="PHOTO...", type=click.Path(path_type=Path)
)
@pack_option
@click.option("--labels", metavar="TEXT", help="What to choose from, in words, with commas.")
@click.option(
    "--top",
    default=5,
    show_default=True,
    metavar="K",
    type=click.IntRange(min=1),
    help="At most K labels a photo.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 when a file could not be read.")
@click.option("--device", default="cpu", metavar="NAME", help="Where the model runs; cpu, cuda, …")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a photo, for programs.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.pass_obj
def classify(
    session: Session,
    photos: tuple[Path, ...],
    pack: str | None,
    labels: str | None,
    top: int,
    strict: bool,
    device: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Say what photos show: the most probable labels, with their probabilities.

    A classifier pack has labels of its own. A CLIP pack, such as the starter, chooses between those
    that you give in words; one of them always wins, even where none fits. Folders are searched
    with all that lies below them; the library is not touched.
    """
    words = None if labels is None else labels.split(",")
    named = failed = 0
    with session.open(pack, device=device) as library, _progress(quiet) as report:
        for photo in library.classify(*photos, labels=words, top=top, progress=report):
            if photo.failure is not None:
                failed += 1
                reason = f"{printable(photo.path)}: {one_line(photo.failure.reason)}"
                click.echo(f"Skipped: {reason}", err=True)
                continue
            named += 1
            _print(photo, as_json)
    if failed:
        click.echo(f"{counted(failed, 'file')} left out", err=True)
    elif not named:
        click.echo("No photo was found there.", err=True)
    return 1 if not named or (strict and failed) else 0


def as_dict(photo: "Classified") -> dict[str, Any]:
    """A photo's labels under the names that scripts rely on."""
    return {
        "path": str(photo.path),
        "pack": photo.pack,
        "labels": [
            {"label": one.label, "probability": round(one.probability, 6)} for one in photo.labels
        ],
    }


def _print(photo: "Classified", as_json: bool) -> None:
    if as_json:
        print_json(as_dict(photo))
        return
    click.echo(click.style(printable(photo.path), bold=True))
    for one in photo.labels:
        click.echo(f"  {one.probability:6.1%}  {one_line(one.label)}")


def _progress(quiet: bool) -> AbstractContextManager["Report"]:
    """On stderr; where the answers themselves run down the terminal, they are the progress."""
    from albumen.cli import progress

    if quiet or sys.stdout.isatty():
        return progress.silence()
    return progress.bar("Classifying") if sys.stderr.isatty() else progress.plain_lines()

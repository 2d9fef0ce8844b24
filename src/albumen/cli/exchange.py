"""`albumen export` and `albumen import`: what a person decided, as one file, and back."""

import dataclasses
import sys
from pathlib import Path

import click

from albumen.cli.command import Command, Session
from albumen.cli.words import counted, print_json, printable


@click.command(
    "export",
    cls=Command,
    examples="""
        albumen export decisions.json
        albumen export > decisions.json
    """,
)
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(path_type=Path))
@click.pass_obj
def export(session: Session, file: Path | None) -> None:
    """Write what was decided by hand to a file: tags, pairs of photos, the vocabulary.

    It is JSON that a person can read, and holds no photos; `albumen import` takes it into another
    library by the photos' content. Without FILE it is printed. An earlier export is replaced, any
    other file is not.
    """
    from albumen import exchange

    with session.open() as library:
        if file is None:
            done = exchange.write(library.store, sys.stdout.write, ascii=True)
        else:
            done = exchange.export(library.store, file.expanduser())
    where = "" if file is None else f" in {printable(file)}"
    said = f"{counted(done.tags, 'decision')} about tags of {counted(done.pictures, 'photo')}"
    click.echo(f"{said} and {counted(done.pairs, 'decided pair')}{where}.", err=True)


@click.command(
    "import",
    cls=Command,
    examples="""
        albumen import decisions.json
        albumen import decisions.json --json
    """,
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--replace-vocabulary", is_flag=True, help="Even if the library has one of its own.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def import_(session: Session, file: Path, replace_vocabulary: bool, as_json: bool) -> None:
    """Take what `albumen export` wrote into this library, which is made if there is none.

    Photos are known by their content, wherever they lie; what was decided of photos that are not
    indexed yet counts once they are. Of two decisions about the same, the later counts.
    """
    from albumen import exchange
    from albumen.library.store import Store

    document = exchange.read(file.expanduser())
    with Store.open(session.home(), create=True) as store:
        done = exchange.take(store, document, replace_vocabulary=replace_vocabulary)
    if as_json:
        print_json(dataclasses.asdict(done), indent=1)
        return
    click.echo(
        f"{counted(done.tags, 'decision')} about tags and {counted(done.pairs, 'decided pair')} "
        "taken; what the library knew already is as it was.",
        err=True,
    )
    if done.waiting:
        click.echo(
            f"{counted(done.waiting, 'photo')} of them not indexed yet; it counts once they are.",
            err=True,
        )
    if done.vocabulary == "kept":
        click.echo(
            "Note: the library keeps its own vocabulary; --replace-vocabulary takes the file's.",
            err=True,
        )

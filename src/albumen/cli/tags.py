"""`albumen tags`: what photos show, in words of one's own choice."""

import os
import shlex
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from albumen.cli.command import Command, Group, Session, pack_option
from albumen.cli.words import counted, print_json, printable, shown_tag
from albumen.errors import UsageError

if TYPE_CHECKING:
    from albumen.api import Library
    from albumen.cli.progress import Report
    from albumen.tags import Vocabulary

BY = {"hand": "by hand", "file": "from the file"}


@click.group(
    "tags",
    cls=Group,
    examples="""
        albumen tags apply
        albumen tags list
        albumen search --tag cat
    """,
)
def tags() -> None:
    """Give photos tags, by hand or by the model, and find them by these.

    A tag set or taken away by hand counts before all else and is never overwritten; it hangs on the
    picture, so it outlives moving the file and writing a rating into it. Keywords inside photos and
    in sidecars beside them count next; then what the model found of your vocabulary, which for many
    photos is nothing.
    """


@tags.command(
    "list",
    cls=Command,
    examples="""
        albumen tags list
        albumen tags list --by hand
        albumen tags list --json
    """,
)
@click.option(
    "--by", type=click.Choice(["hand", "file", "model"]), help="Only tags from this source."
)
@pack_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def list_tags(session: Session, by: str | None, pack: str | None, as_json: bool) -> int:
    """List the tags that photos have, and on how many, the most frequent first."""
    with session.open(pack) as library:
        found = [one for one in library.all_tags() if by is None or getattr(one, f"by_{by}")]
    if as_json:
        print_json(
            [
                {
                    "tag": one.tag,
                    "photos": one.photos,
                    "hand": one.by_hand,
                    "file": one.by_file,
                    "model": one.by_model,
                }
                for one in found
            ],
            indent=1,
        )
        return 0
    for one in found:
        number = one.photos if by is None else getattr(one, f"by_{by}")
        click.echo(f"{number:>8,}  {shown_tag(one.tag)}")
    if not found:
        click.echo("No photo has a tag yet; let the model look: albumen tags apply", err=True)
    return 0


@tags.command(
    "show",
    cls=Command,
    examples="""
        albumen tags show photos/cat.png
        albumen tags show photos/cat.png --json
    """,
)
@click.argument("photo", metavar="PHOTO", type=click.Path(path_type=Path))
@pack_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def show(session: Session, photo: Path, pack: str | None, as_json: bool) -> int:
    """Show a photo's tags, and who says so: a hand, the photo's own file, or the model.

    A model's score runs from 0.5, just clear enough, to 1; it compares tags and is no probability.
    """
    with session.open(pack) as library:
        found = library.tags(photo)
    if as_json:
        print_json([{"tag": t.tag, "score": t.score, "by": t.by} for t in found])
        return 0
    for tag in found:
        click.echo(f"{BY.get(tag.by) or f'model {tag.score:.2f}':<13}  {shown_tag(tag.tag)}")
    if not found:
        click.echo("No tags, which is an answer too.", err=True)
    return 0


@tags.command(
    "add",
    cls=Command,
    examples="""
        albumen tags add photos/cat.png Rosie "our garden"
    """,
)
@click.argument("photo", metavar="PHOTO", type=click.Path(path_type=Path))
@click.argument("names", metavar="TAG...", nargs=-1, required=True)
@click.pass_obj
def add(session: Session, photo: Path, names: tuple[str, ...]) -> None:
    """Give a photo tags by hand. Any words will do; they need not be in the vocabulary."""
    with session.open() as library:
        library.add_tags(photo, *names)


@tags.command(
    "remove",
    cls=Command,
    examples="""
        albumen tags remove photos/cat.png dog
    """,
)
@click.argument("photo", metavar="PHOTO", type=click.Path(path_type=Path))
@click.argument("names", metavar="TAG...", nargs=-1, required=True)
@click.pass_obj
def remove(session: Session, photo: Path, names: tuple[str, ...]) -> None:
    """Say that a photo has not these tags, whatever its file or the model says, now or later."""
    with session.open() as library:
        library.remove_tags(photo, *names)


@tags.command(
    "vocabulary",
    cls=Command,
    examples="""
        albumen tags vocabulary
        albumen tags vocabulary --add hedgehog --add "school play" --group "our life"
        albumen tags vocabulary --remove volcano
        albumen tags vocabulary > words.txt; albumen tags vocabulary --file words.txt
        albumen tags vocabulary --default
    """,
)
@click.option("--add", "added", multiple=True, metavar="TAG", help="Add this tag; repeatable.")
@click.option("--group", metavar="NAME", help="The group that added tags belong to.")
@click.option("--remove", "removed", multiple=True, metavar="TAG", help="Leave it out; repeatable.")
@click.option(
    "--file",
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True, dir_okay=False),
    help="Take the vocabulary in this text file instead (- for standard input).",
)
@click.option("--edit", is_flag=True, help="Open it in your editor (VISUAL, EDITOR).")
@click.option("--default", "to_default", is_flag=True, help="Take the one that Albumen brings.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for programs.")
@click.pass_obj
def vocabulary(
    session: Session,
    added: tuple[str, ...],
    group: str | None,
    removed: tuple[str, ...],
    file: Path | None,
    edit: bool,
    to_default: bool,
    as_json: bool,
) -> None:
    """Print or change which tags the model may give; `albumen tags apply` then uses them.

    It is a text: a tag a line, [groups] in brackets, comments after "# ". What follows " = " is
    what the model is asked instead of the tag's name: rosie = a small brown dog; a puppy
    """
    from albumen.tags import vocabulary as words

    if sum([bool(added or removed), file is not None, edit, to_default]) > 1:
        raise UsageError("--file, --edit, --default and --add or --remove exclude each other")
    if group is not None and not added:
        raise UsageError("--group says where tags are added; add one with --add TAG")
    with session.open() as library:
        replaced = to_default or file is not None
        before = _unless_broken(library) if replaced else library.vocabulary
        if to_default:
            new = words.default()
        elif file is not None:
            new = words.parse(_read(file))
        elif edit:
            new = words.parse(_edited(before.text()))
        else:
            new = before.without(removed).with_tags(added, group)
        if new == before and not (added or removed or file or edit or to_default):
            _print(before, as_json)
            return
        library.vocabulary = new
        _tell(library, before, new)


@tags.command(
    "apply",
    cls=Command,
    examples="""
        albumen tags apply
        albumen tags apply --json
        albumen tags apply --clear
    """,
)
@click.option("--clear", is_flag=True, help="Take away all tags that the model gave.")
@pack_option
@click.option("--json", "as_json", is_flag=True, help="The counts as JSON, for programs.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.pass_obj
def apply(session: Session, clear: bool, pack: str | None, as_json: bool, quiet: bool) -> int:
    """Let the model tag every photo from the vocabulary.

    A photo gets a tag when it shows it clearly more than pictures in general do; many get none.
    What a hand or a file said stays. Photos that are indexed later get tags at once.
    """
    with session.open(pack) as library:
        if clear:
            library.forget_applied_tags()
        with _progress(quiet or as_json) as report:
            done = None if clear else library.apply_tags(progress=report)
    photos, tagged = (0, 0) if done is None else (done.photos, done.tagged)
    if as_json:
        print_json({"photos": photos, "tagged": tagged})
    elif clear:
        click.echo("The model's tags are gone; those by hand and of files stay.", err=True)
    else:
        click.echo(f"{counted(photos, 'photo')}, {tagged:,} of them with tags.", err=True)
    return 0


@tags.command(
    "export",
    cls=Command,
    examples="""
        albumen tags export --to sidecars
        albumen tags export --to sidecars --model --json
    """,
)
@click.option(
    "--to",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the sidecars into this folder, in folders like the photos'.",
)
@click.option("--beside", is_flag=True, help="Write them beside the photos: photo.jpg.xmp.")
@click.option(
    "--under", metavar="DIR", type=click.Path(path_type=Path), help="Only photos in this folder."
)
@click.option("--model", "by_model", is_flag=True, help="Also tags that only the model gave.")
@pack_option
@click.option("--json", "as_json", is_flag=True, help="The counts as JSON, for programs.")
@click.pass_obj
def export(
    session: Session,
    to: Path | None,
    beside: bool,
    under: Path | None,
    by_model: bool,
    pack: str | None,
    as_json: bool,
) -> int:
    """Write tags into XMP sidecars, which other photo programs read; never into the photos.

    A sidecar of another program is left as it is, and named.
    """
    if (to is None) == (not beside):
        raise UsageError("say where the sidecars go: --to DIR, or --beside the photos")
    counts = {"written": 0, "unchanged": 0, "kept": 0, "failed": 0}
    with session.open(pack) as library:
        for sidecar in library.export_tags(to, under=under, by_model=by_model):
            counts[sidecar.outcome] += 1
            if sidecar.reason:
                click.echo(f"Left out: {printable(sidecar.path)}: {sidecar.reason}", err=True)
    if as_json:
        print_json(counts)
    else:
        told = ", ".join(f"{number:,} {word}" for word, number in counts.items() if number)
        click.echo(f"Sidecars: {told or 'none, since no photo has such tags'}.", err=True)
    return 1 if counts["failed"] else 0


def _print(words: "Vocabulary", as_json: bool) -> None:
    if as_json:
        print_json(
            {name: [one.name for one in entries] for name, entries in words.groups.items()},
            indent=1,
        )
    elif len(words):
        click.echo(words.text(), nl=False)
    else:
        click.echo(
            "The vocabulary is empty; the default again: albumen tags vocabulary --default",
            err=True,
        )


def _unless_broken(library: "Library") -> "Vocabulary":
    """The one that is about to be replaced; nothing for one that cannot be read any more."""
    from albumen.tags import Vocabulary, VocabularyError

    try:
        return library.vocabulary
    except VocabularyError:
        return Vocabulary(())


def _tell(library: "Library", before: "Vocabulary", new: "Vocabulary") -> None:
    number = counted(len(new), "tag")
    click.echo(f"The vocabulary has {number} ({len(before):,} before).", err=True)
    if new != before and len(new):
        click.echo("To give photos these tags: albumen tags apply", err=True)


def _read(file: Path) -> str:
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.expanduser().read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot read the vocabulary {file}: {reason}") from error
    except UnicodeDecodeError:
        raise UsageError(f"the vocabulary {file} is not in UTF-8; save it so") from None


def _edited(text: str) -> str:
    """The text as the owner's editor leaves it."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vocabulary.txt"
        file.write_text(text, "utf-8")
        try:
            code = subprocess.run([*shlex.split(editor), str(file)], check=False).returncode
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot start the editor {editor} ({error}); set EDITOR") from error
        if code:
            raise UsageError(f"the editor {editor} ended with {code}; the vocabulary is unchanged")
        return _read(file)


def _progress(quiet: bool) -> AbstractContextManager["Report"]:
    from albumen.cli import progress

    if quiet:
        return progress.silence()
    return progress.bar("Tagging") if sys.stderr.isatty() else progress.plain_lines()

"""`albumen duplicates`: groups of copies, which of each to keep, and what was decided of pairs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from albumen.cli.command import Group, Session
from albumen.cli.words import counted, print_json, printable, size
from albumen.errors import UsageError

if TYPE_CHECKING:
    from albumen.api import Library
    from albumen.duplicates import DuplicateGroup, Verdict

HEADINGS = {
    "identical": "identical",
    "same-picture": "same picture",
    "same-moment": "same moment",
}


@click.group(
    "duplicates",
    cls=Group,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [ARGS]...",
    examples="""
        albumen duplicates
        albumen duplicates --level identical --level same-picture
        albumen duplicates --prefer photos/2024 --json
        albumen duplicates decide photos/cat.png photos/coffee.png --not-duplicates
    """,
)
@click.option(
    "--level",
    "levels",
    multiple=True,
    type=click.Choice([*HEADINGS]),
    help="Only groups of this level; repeatable.",
)
@click.option(
    "--prefer",
    multiple=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Keep the photo in this folder where all else is equal; repeatable.",
)
@click.option("--open", "open_it", is_flag=True, help="Show the groups side by side in a browser.")
@click.option(
    "--page",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write that page to this HTML file.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.pass_context
def duplicates(
    ctx: click.Context,
    levels: tuple[str, ...],
    prefer: tuple[Path, ...],
    open_it: bool,
    page: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Show groups of copies, in three levels, and which of each to keep.

    identical: the same bytes, or the same image with other metadata. same-picture: re-encoded,
    resized, cropped, turned, mirrored, recoloured, captioned, or a screenshot of it. same-moment:
    different photos that were taken within seconds. Nothing is changed or moved; `albumen trash`
    does that. Exits with 1 when there are none.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    with ctx.ensure_object(Session).open() as library:
        with _progress(quiet) as report:
            groups = library.duplicates(
                levels=levels,  # type: ignore[arg-type]
                prefer=[folder.expanduser() for folder in prefer],
                progress=report,
            )
        if as_json:
            print_json({"groups": [as_dict(group) for group in groups]})
        else:
            _print_words(groups)
        if groups and (open_it or page):
            _show_page(library, groups, page, open_it)
    return 0 if groups else 1


@duplicates.command(
    "decide",
    examples="""
        albumen duplicates decide photos/cat.png photos/coffee.png --not-duplicates
        albumen duplicates decide photos/cat.png photos/coffee.png --keep-both
    """,
)
@click.argument("first", metavar="PATH", type=click.Path(path_type=Path))
@click.argument("second", metavar="PATH", type=click.Path(path_type=Path))
@click.option("--not-duplicates", is_flag=True, help="They are different photos.")
@click.option("--keep-both", is_flag=True, help="They are copies, and both are wanted.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def decide(
    session: Session,
    first: Path,
    second: Path,
    not_duplicates: bool,
    keep_both: bool,
    as_json: bool,
) -> int:
    """Remember of two photos that they are no duplicates, or that both are kept.

    Remembered for good: the decision hangs on the pictures, so it survives moving and renaming,
    a rating written into a file, and indexing anew.
    """
    if not_duplicates == keep_both:
        raise UsageError("say one of --not-duplicates and --keep-both")
    with session.open() as library:
        verdict: Verdict = "not-duplicates" if not_duplicates else "keep-both"
        library.decide(first.expanduser(), second.expanduser(), verdict)
    if as_json:
        print_json({"decided": verdict, "paths": [str(first), str(second)]})
    else:
        what = "are no duplicates" if not_duplicates else "are both kept"
        click.echo(f"{printable(first)} and {printable(second)} {what}; that is remembered.")
    return 0


def as_dict(group: "DuplicateGroup") -> dict[str, Any]:
    """A group under the names that scripts rely on."""
    return {
        "level": group.level,
        "keeper": str(group.keeper),
        "reason": group.reason,
        "photos": [
            {"path": str(member.path), "similarity": member.similarity} for member in group.photos
        ],
    }


def _print_words(groups: "list[DuplicateGroup]") -> None:
    """Each group, its keeper first. What is identical is not said again as the same picture."""
    identical = {
        frozenset(member.path for member in group.photos)
        for group in groups
        if group.level == "identical"
    }
    spare: dict[Path, int] = {}
    for group in groups:
        paths = frozenset(member.path for member in group.photos)
        if group.level == "same-picture" and paths in identical:
            continue
        click.echo(
            f"{click.style(HEADINGS[group.level], bold=True)}, "
            f"{counted(len(group.photos), 'photo')}: keep the first, {group.reason}"
        )
        for number, member in enumerate(group.photos):
            said = "keep" if number == 0 else f"{member.similarity:.2f}"
            click.echo(f"  {said:>4}  {printable(member.path)}")
        if group.level != "same-moment":
            spare.update(group.spare)
    if not groups:
        click.echo("No duplicates were found among the photos that were indexed.", err=True)
    elif spare:
        copies = counted(len(spare), "copy", "copies")
        click.echo(f"{copies}, {size(sum(spare.values()))}, that could go to the trash.", err=True)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """How many of the photos not yet compared are done."""
    import sys

    from albumen.cli.progress import bar, plain_lines, silence
    from albumen.library.events import Progress

    shown = silence() if quiet else bar("Comparing") if sys.stderr.isatty() else plain_lines()
    with shown as report:
        yield lambda done, all: report(Progress(done, all))


def _show_page(
    library: "Library", groups: "list[DuplicateGroup]", file: Path | None, open_it: bool
) -> None:
    from albumen.cli.pages import opened, place
    from albumen.duplicates import page

    target = place(library, file, "duplicates.html")
    page.write(target, groups)
    if not (open_it and opened(target)):
        click.echo(f"Page: {printable(target)}", err=True)

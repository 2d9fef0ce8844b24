"""`albumen trash`: photos to the system's trash, what is in there, and back."""

import re
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from albumen.cli.command import Group, Session
from albumen.cli.words import counted, print_json, printable, size

if TYPE_CHECKING:
    from albumen.cli.progress import Report
    from albumen.trash import InTrash, Refused, Restored, Trashed

T = TypeVar("T")
GROUP = f"{__name__}.group"

STOPPED = "albumen: stopped; what was moved until then is told above"


class PathsOrCommand(Group):
    """`albumen trash PATH…`, and commands of its own: a file called "list" is `./list`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As a group if the first word is one of its commands, else as a command by itself."""
        ctx.meta[GROUP] = _first_word(args) in self.commands
        if not args or ctx.meta[GROUP]:
            return super().parse_args(ctx, args)
        ctx.allow_interspersed_args = True  # options may stand behind the paths
        return click.Command.parse_args(self, ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Before one of its commands, only the options that all commands share."""
        params = super().get_params(ctx)
        return [one for one in params if not (ctx.meta.get(GROUP) and one.expose_value)]

    def invoke(self, ctx: click.Context) -> Any:
        """Run whichever was meant."""
        as_group = bool(ctx.meta.get(GROUP))
        return super().invoke(ctx) if as_group else click.Command.invoke(self, ctx)


def _first_word(args: list[str]) -> str:
    words = iter(args)
    for word in words:
        if word == "--library":
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def _complete_path(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Files, and first the commands that may stand in their place."""
    names = [] if ctx.params.get("paths") else sorted(trash.commands)
    fitting = [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return [*fitting, CompletionItem(incomplete, type="file")]


def _complete_id(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What may be put back, with its name beside it."""
    from albumen.trash import in_trash

    session = ctx.find_object(Session) or Session()
    with session.open() as library:
        entries = in_trash(library.store) if library.home.db.exists() else []
    return [
        CompletionItem(str(entry.id), help=printable(entry.path.name))
        for entry in entries
        if str(entry.id).startswith(incomplete) and entry.standing == "in the trash"
    ]


@click.group(
    "trash",
    cls=PathsOrCommand,
    subcommand_metavar="| COMMAND [ARGS]...",
    examples="""
        albumen trash photos/coffee.png
        albumen trash photos/cat.png photos/2024/rocket.jpg --json
        albumen trash list
        albumen trash restore 1 2
    """,
)
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="PATH...",
    type=click.Path(path_type=Path),
    shell_complete=_complete_path,
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.pass_obj
def trash(
    session: Session,
    paths: tuple[Path, ...] = (),
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Move photos to the system's trash; nothing is ever deleted.

    Refused are files that the library does not know, that changed since they were indexed, and the
    last copy of a photo whose other copies are in the trash. Exits with 1 when one was refused.
    """
    if not paths:  # one of the commands below follows
        return 0
    from albumen import trash as bin

    done: list[Trashed | Refused] = []
    try:
        with session.open() as library, _progress("Trashing", quiet) as report:
            moving = bin.trash(library.store, paths)
            _collect(moving, done, len(paths), report)
        code = 0 if all(isinstance(one, bin.Trashed) for one in done) else 1
    except KeyboardInterrupt:
        code = 130
    _tell_trashed(done, as_json)
    if code == 130:
        click.echo(STOPPED, err=True)
    return code


def _tell_trashed(done: "list[Trashed | Refused]", as_json: bool) -> None:
    from albumen.trash import Trashed

    trashed = [one for one in done if isinstance(one, Trashed)]
    refused = [one for one in done if not isinstance(one, Trashed)]
    if as_json:
        print_json(
            {
                "trashed": [{"id": one.id, "path": str(one.path)} for one in trashed],
                "refused": [{"path": str(one.path), "reason": one.reason} for one in refused],
            },
            indent=1,
        )
        return
    for one in trashed:
        click.echo(f"{one.id:>6}  {printable(one.path)}")
    for left in refused:
        click.echo(f"Refused: {printable(left.path or '')}: {left.reason}", err=True)
    ids = f"restore {trashed[0].id}" if len(trashed) == 1 else "restore ID"
    if trashed:
        told = f"{counted(len(trashed), 'photo')} in the trash; to put back: albumen trash {ids}"
        click.echo(told, err=True)


@trash.command(
    "restore",
    examples="""
        albumen trash restore 1
        albumen trash restore 1 2 --to photos
    """,
)
@click.argument(
    "ids",
    nargs=-1,
    required=True,
    metavar="ID...",
    type=click.IntRange(1),
    shell_complete=_complete_id,
)
@click.option(
    "--to",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="Into this folder, instead of where it lay.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.pass_obj
def restore(
    session: Session, ids: tuple[int, ...], to: Path | None, as_json: bool, quiet: bool
) -> int:
    """Put photos back where they lay.

    IDs are told by `albumen trash` and `albumen trash list`. A file is never put onto another: if
    one has come to lie at its place, it stays in the trash. Exits with 1 when one stayed.
    """
    from albumen import trash as bin

    done: list[Restored | Refused] = []
    try:
        with session.open() as library, _progress("Putting back", quiet) as report:
            _collect(bin.restore(library.store, ids, to=to), done, len(ids), report)
        code = 0 if all(isinstance(one, bin.Restored) for one in done) else 1
    except KeyboardInterrupt:
        code = 130
    _tell_restored(done, as_json)
    if code == 130:
        click.echo(STOPPED, err=True)
    return code


def _tell_restored(done: "list[Restored | Refused]", as_json: bool) -> None:
    from albumen.trash import Restored

    restored = [one for one in done if isinstance(one, Restored)]
    refused = [one for one in done if not isinstance(one, Restored)]
    if as_json:
        print_json(
            {
                "restored": [{"id": one.id, "path": str(one.path)} for one in restored],
                "refused": [
                    {"id": one.id, "path": one.path and str(one.path), "reason": one.reason}
                    for one in refused
                ],
            },
            indent=1,
        )
        return
    for one in restored:
        click.echo(f"{one.id:>6}  {printable(one.path)}")
    for left in refused:
        name = f" ({printable(left.path)})" if left.path else ""
        click.echo(f"Refused: {left.id}{name}: {left.reason}", err=True)


@trash.command(
    "list", examples="albumen trash list\nalbumen trash list --all\nalbumen trash list --json"
)
@click.option("--all", "every", is_flag=True, help="Also what is missing from the trash by now.")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON, for programs.")
@click.pass_obj
def list_trash(session: Session, every: bool, as_json: bool) -> None:
    """List what Albumen moved to the trash, the latest first.

    What another program put back is not listed any more; what one took out of the trash, or what
    went when it was emptied, is missing.
    """
    from albumen.trash import in_trash

    with session.open() as library:
        found = in_trash(library.store)
    if as_json:
        print_json([as_dict(entry) for entry in found], indent=1)
        return
    shown = [entry for entry in found if every or entry.standing != "missing"]
    for entry in shown:
        standing = "" if entry.standing == "in the trash" else f", {entry.standing}"
        when = re.sub(r"[TZ]", " ", entry.trashed).strip()
        about = click.style(f"{when} UTC, {size(entry.size)}{standing}", dim=True)
        click.echo(f"{entry.id:>6}  {printable(entry.path)}  {about}")
    if not shown:
        click.echo("Nothing that Albumen moved is in the trash.", err=True)
    if missing := len(found) - len(shown):
        click.echo(
            f"{counted(missing, 'photo')} no longer in the trash, emptied or taken out by another "
            "program: --all",
            err=True,
        )


def as_dict(entry: "InTrash") -> dict[str, Any]:
    """An entry under the names that scripts rely on."""
    return {
        "id": entry.id,
        "path": str(entry.path),
        "trashed": entry.trashed,
        "standing": entry.standing,
        "file": entry.file and str(entry.file),
        "bytes": entry.size,
    }


def _collect(moving: Iterable[T], done: list[T], total: int, report: "Report") -> None:
    """Take results as they come, so that they can be told even if Ctrl-C comes between them."""
    from albumen.library.events import Progress

    for one in moving:
        done.append(one)
        report(Progress(len(done), total))


def _progress(doing: str, quiet: bool) -> AbstractContextManager["Report"]:
    from albumen.cli import progress

    if quiet:
        return progress.silence()
    return progress.bar(doing) if sys.stderr.isatty() else progress.plain_lines()

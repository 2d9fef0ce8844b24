"""`albumen index`: take the photos of folders into the library."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from albumen.cli.command import Command, Session, pack_option
from albumen.cli.words import counted, duration, print_json, printable
from albumen.errors import UsageError

if TYPE_CHECKING:
    from albumen.api import Library
    from albumen.library.events import Summary

STOPPED = "albumen: stopped; what was committed is kept, and the same command goes on"


@click.command(
    "index",
    cls=Command,
    examples="""
        albumen index ~/Pictures
        albumen index
        albumen index photos --exclude "*.gif" --exclude "thumbnails/"
        albumen index photos --retry-failed --strict
        albumen index photos --json
    """,
)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@pack_option
@click.option("--include", multiple=True, metavar="GLOB", help="Only files like this; repeatable.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="No files like this; repeatable.")
@click.option("--hidden", is_flag=True, help="Also files and folders whose name begins with a dot.")
@click.option("--retry-failed", is_flag=True, help="Try again what could not be read before.")
@click.option("--strict", is_flag=True, help="Exit with 1 when a file could not be read.")
@click.option("--device", default="cpu", metavar="NAME", help="Where the model runs; cpu, cuda, …")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.pass_obj
def index(
    session: Session,
    paths: tuple[Path, ...],
    pack: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    hidden: bool,
    retry_failed: bool,
    strict: bool,
    device: str,
    as_json: bool,
    quiet: bool,
) -> int:
    """Take the photos of folders into the library.

    Folders are searched with all that lies below them; without any, those indexed before. The
    photos are only read. A second run looks only at what is new or changed, and a run that was
    stopped goes on where it was.
    """
    from albumen.cli.progress import reporter

    try:
        with session.open(pack, device=device) as library, reporter(as_json, quiet) as report:
            summary = library.index(
                *(paths or _folders_known(library)),
                include=include,
                exclude=exclude,
                hidden=hidden,
                retry_failed=retry_failed,
                progress=report,
            )
            searches_use = _other_pack_in_use(library)
    except KeyboardInterrupt:
        click.echo(STOPPED, err=True)
        return 130
    if as_json:
        print_json({"event": "done", **as_dict(summary)})
    else:
        print_summary(summary)
    if searches_use:
        click.echo(
            f"Note: searches use the pack {searches_use}; to change that: albumen packs use {pack}",
            err=True,
        )
    return 1 if strict and summary.failed else 0


def _folders_known(library: "Library") -> list[Path]:
    """Those that are there; of a disk that is away nothing is removed, and the others go on."""
    folders = [root.path for root in library.store.roots()] if library.home.db.exists() else []
    if not folders:
        raise UsageError("say which folder to index, such as: albumen index ~/Pictures")
    away = [folder for folder in folders if not folder.exists()]
    for folder in away:
        click.echo(f"Note: {printable(folder)} is not there; its photos are kept", err=True)
    if len(away) == len(folders):
        raise UsageError("no folder that was indexed before is there; connect their disks")
    return [folder for folder in folders if folder not in away]


def _other_pack_in_use(library: "Library") -> str | None:
    """The pack that searches use, if it is not the one that just described the photos."""
    used = library.store.setting("pack")
    names = (library.pack.name, str(library.pack.folder.absolute()))
    return used if used is not None and used not in names else None


def as_dict(summary: "Summary") -> dict[str, int | float]:
    """The counts of a run, under the names that scripts rely on."""
    return {
        "indexed": summary.indexed,
        "unchanged": summary.unchanged,
        "moved": summary.moved,
        "removed": summary.removed,
        "skipped": summary.skipped,
        "failed": summary.failed,
        "seconds": round(summary.seconds, 3),
    }


def print_summary(summary: "Summary", problems: str = "albumen problems") -> None:
    """The counts of a run in a sentence or two; what did not happen is not mentioned.

    problems: the command that tells which files were left out.
    """
    new = f"{counted(summary.indexed, 'photo')} indexed" if summary.indexed else "no new photos"
    parts = [new.capitalize()]
    for number, what in [
        (summary.unchanged, "unchanged"),
        (summary.moved, "moved or copied"),
        (summary.removed, "no longer there"),
        (summary.skipped, "skipped"),
        (summary.failed, "failed"),
    ]:
        if number:
            parts.append(f"{number:,} {what}")
    click.echo(f"{', '.join(parts)}, in {duration(summary.seconds)}.", err=True)
    if not any((summary.indexed, summary.unchanged, summary.moved, summary.failed)):
        click.echo("No photo was found there.", err=True)
    if summary.skipped or summary.failed:
        click.echo(f"Which files were left out, and why: {problems}", err=True)

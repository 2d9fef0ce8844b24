"""`albumen stats`: what is in the library, in numbers."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from albumen.cli.command import Command, Session
from albumen.cli.words import counted, print_json, size

if TYPE_CHECKING:
    from albumen.library.store import Stats


@click.command(
    "stats",
    cls=Command,
    examples="""
        albumen stats
        albumen stats --json
    """,
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def stats(session: Session, as_json: bool) -> None:
    """Count what is in the library: photos, places, days, problems."""
    with session.open() as library:
        counts = library.store.stats()
    if as_json:
        print_json(asdict(counts), indent=1)
        return
    for label, value in _lines(counts):
        click.echo(f"{click.style(f'{label:<10}', dim=True)} {value}")


def _lines(counts: "Stats") -> list[tuple[str, str]]:
    files, folders = counted(counts.locations, "file"), counted(counts.roots, "folder")
    lines = [("photos", f"{counts.photos:,} ({size(counts.bytes)}, {files} in {folders})")]
    if counts.first_taken and counts.last_taken:
        lines.append(("taken", f"{counts.first_taken[:10]} to {counts.last_taken[:10]}"))
    for name in sorted(counts.embeddings, key=_compares):
        use = "comparable" if _compares(name) else "searchable"
        lines.append((use, f"{counts.embeddings[name]:,} with the pack {name}"))
    total = sum(counts.failures.values())
    if total:
        stages = ", ".join(f"{number:,} at {stage}" for stage, number in counts.failures.items())
        lines.append(("problems", f"{total:,} ({stages}); see: albumen problems"))
    lines.append(("library", size(counts.library_bytes)))
    return lines


def _compares(pack: str) -> bool:
    """Whether a pack's vectors are for finding copies, and not for searching."""
    from albumen.packs.catalogue import FINGERPRINT

    return pack == FINGERPRINT

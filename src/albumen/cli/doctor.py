"""`albumen doctor`: is everything in order, and what to do where it is not."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Literal

import click

from albumen import __version__
from albumen.cli.command import Command, Session
from albumen.cli.words import counted, print_json, printable, size
from albumen.errors import AlbumenError

if TYPE_CHECKING:
    from albumen.api import Library

LITTLE_SPACE = 1_000_000_000  # bytes; a library takes about 3 kB a photo, its cache 0.5 kB


State = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing, and, if it is not as it should be, what to do."""

    name: str
    state: State
    found: str
    advice: str = ""


@click.command(
    "doctor",
    cls=Command,
    examples="""
        albumen doctor
        albumen doctor --json
    """,
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def doctor(session: Session, as_json: bool) -> int:
    """Check the installation, the pack and the library, and say what to do about what is wrong.

    Reads the whole library file once. Exits with 3 when something keeps Albumen from working.
    """
    with session.open() as library:
        findings = list(examine(library))
    well = not any(finding.state == "problem" for finding in findings)
    if as_json:
        print_json({"ok": well, "findings": [asdict(finding) for finding in findings]}, indent=1)
    else:
        _print_words(findings)
    return 0 if well else 3


def examine(library: "Library") -> Iterator[Finding]:
    """Every finding; a check that fails is a finding, too."""
    checks: list[tuple[str, Callable[[Library], Iterator[Finding]]]] = [
        ("program", _program),
        ("onnxruntime", _runtime),
        ("pack", _pack),
        ("library", _library),
        ("disk", _disk),
    ]
    for name, check in checks:
        try:
            yield from check(library)
        except AlbumenError as error:
            yield Finding(name, "problem", str(error))


def _program(library: "Library") -> Iterator[Finding]:
    place = printable(sys.executable)
    yield Finding("albumen", "ok", f"{__version__}, Python {platform.python_version()} ({place})")
    for requirement in metadata.requires("albumen") or []:
        if "extra ==" in requirement:
            continue
        name = requirement.split(";")[0].split(">")[0].split("=")[0].split("<")[0].strip()
        try:
            yield Finding(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Finding(name, "problem", "not installed", "run: pip install --upgrade albumen")


def _runtime(library: "Library") -> Iterator[Finding]:
    from albumen.packs.runtime import cores, devices
    from albumen.packs.telemetry import SWITCHES

    yield Finding("devices", "ok", f"{', '.join(devices())}; {counted(cores(), 'core')} to use")
    set_so = ", ".join(f"{name}={os.environ.get(name)}" for name in SWITCHES)
    yield Finding("telemetry", "ok", f"switched off before anything is imported: {set_so}")
    yield Finding("network", "ok", "used by `albumen packs pull` and `packs add` alone")


def _pack(library: "Library") -> Iterator[Finding]:
    pack = library.pack
    pack.verify()
    taken = sum(file.size for file in pack.manifest.files.values())
    licence = pack.manifest.licence
    about = f"{pack.name}, {size(taken)}, {pack.dim} numbers a photo, licence {licence.id}"
    yield Finding("pack", "ok", f"{about}; files and towers checked")
    if not library.home.db.exists():
        return
    photos, known = library.store.stats().photos, library.store.embedding_count(pack.id)
    if known < photos:
        yield Finding(
            "search",
            "note",
            f"{photos - known:,} of {counted(photos, 'photo')} cannot be found with this pack",
            "run: albumen index FOLDER; if it stays so, see: albumen problems",
        )


def _library(library: "Library") -> Iterator[Finding]:
    home = library.home
    if not home.db.exists():
        place = printable(home.path)
        yield Finding("library", "note", f"none yet in {place}", "run: albumen index FOLDER")
        return
    store = library.store
    counts = store.stats()
    about = f"{counts.photos:,} photos, {size(counts.library_bytes)}, {printable(home.path)}"
    damage = store.check()
    if damage:
        yield Finding(
            "library",
            "problem",
            f"{about}; damaged: {damage}",
            f"put a copy of {printable(home.db)} back, or move it away and index again",
        )
    else:
        yield Finding("library", "ok", about)
    if not os.access(home.path, os.W_OK) or not os.access(home.db, os.W_OK):
        yield Finding(
            "library", "note", "cannot be written to", "search works; to index, make it writable"
        )
    for root in store.roots():
        if not root.path.is_dir():
            yield Finding(
                "folder",
                "note",
                f"{printable(root.path)} is not there",
                "its photos stay in the library; connect its disk, or index where it lies now",
            )


def _disk(library: "Library") -> Iterator[Finding]:
    place = library.home.path
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    advice = "make room before you index" if free < LITTLE_SPACE else ""
    state: State = "note" if advice else "ok"
    yield Finding("disk", state, f"{size(free)} free where the library lies", advice)


def _print_words(findings: list[Finding]) -> None:
    marks = {"ok": ("ok", "green"), "note": ("note", "yellow"), "problem": ("problem", "red")}
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        word, colour = marks[finding.state]
        mark = click.style(f"{word:<7}", fg=colour)
        click.echo(f"{mark}  {finding.name:<{width}}  {finding.found}")
        if finding.advice:
            click.echo(f"{'':{width + 11}}→ {finding.advice}")

"""`albumen packs`: list, choose and check the models."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from albumen.cli.command import Group, Session
from albumen.cli.words import one_line, print_json, printable, size
from albumen.errors import UsageError

if TYPE_CHECKING:
    from albumen.packs.catalogue import PackInfo
    from albumen.packs.manifest import Manifest


@click.group(
    "packs",
    cls=Group,
    examples="""
        albumen packs list
        albumen packs verify
    """,
)
def packs() -> None:
    """List, choose and check the models ("packs")."""


@packs.command(
    "list",
    examples="""
        albumen packs list
        albumen packs list --verbose
        albumen packs list --json
    """,
)
@click.option("--verbose", is_flag=True, help="Also sources of training pictures, and figures.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def list_packs(session: Session, verbose: bool, as_json: bool) -> None:
    """List the packs that are here: what they are, and under which licence.

    The one in use is marked with a star.
    """
    found, used = _found(session), _in_use(session)
    if as_json:
        print_json([_as_json(info, used) for info in found], indent=1)
        return
    for info in found:
        star = click.style("*", fg="green") if _is_used(info, used) else " "
        click.echo(f"{star} {click.style(one_line(info.name), bold=True)}{_about(info)}")
        for line in _details(info, verbose):
            click.echo(f"    {one_line(line)}")


@packs.command("use", examples="albumen packs use starter")
@click.argument("name", metavar="NAME")
@click.pass_obj
def use(session: Session, name: str) -> None:
    """Use this pack from now on, for this library.

    Photos that were indexed with another pack are found again once they are indexed with this one;
    the other's vectors stay.
    """
    from albumen.library.store import Store
    from albumen.packs import open_pack

    pack = open_pack(name, packs_dir=session.home().packs)
    if pack.manifest.text is None:
        raise UsageError(f"the pack {name} reads no words, so search could not use it")
    # A folder is remembered so that it is found again from wherever.
    known_by_name = name in {info.name for info in _found(session)}
    with Store.open(session.home(), create=True) as store:
        store.set_setting("pack", name if known_by_name else str(pack.folder.absolute()))
        photos, known = store.stats().photos, store.embedding_count(pack.id)
    click.echo(f"{one_line(name)} is in use from now on")
    if known < photos:
        click.echo(f"{photos - known:,} photos are not described with it yet; run: albumen index")


@packs.command("verify", examples="albumen packs verify\nalbumen packs verify starter")
@click.argument("name", metavar="NAME", required=False)
@click.option("--device", default="cpu", metavar="NAME", help="Where the model runs; cpu, cuda, …")
@click.pass_obj
def verify(session: Session, name: str | None, device: str) -> None:
    """Check a pack (the one in use): every file's hash, both towers, a probe through each.

    Exits with 3 and the reason when something is wrong.
    """
    with session.open(name, device=device) as library:
        pack = library.pack
        pack.verify()
        files = f"{len(pack.manifest.files)} files, {size(pack.manifest.size)}"
        click.echo(f"{one_line(pack.name)} is in order: {files}, id {pack.id}")


def _found(session: Session) -> list["PackInfo"]:
    from albumen.packs import catalogue

    return [*catalogue.builtin_packs(), *catalogue.installed(session.home().packs)]


def _in_use(session: Session) -> str:
    """The name, or the folder, of the pack in use.

    A library that cannot be opened is no reason not to list packs: `doctor` says what is wrong.
    """
    from albumen.errors import AlbumenError
    from albumen.library.store import Store
    from albumen.packs import catalogue

    home = session.home()
    if not home.db.exists():
        return catalogue.DEFAULT
    try:
        with Store.open(home, create=False) as store:
            return store.setting("pack") or catalogue.DEFAULT
    except AlbumenError:
        return catalogue.DEFAULT


def _is_used(info: "PackInfo", used: str) -> bool:
    return used in (info.name, str(info.folder))


def _about(info: "PackInfo") -> str:
    if (pack := info.manifest) is None:
        return ": " + click.style("cannot be used", fg="red")
    place = "comes with Albumen" if info.shipped else "installed"
    return f"  {pack.kind}, {one_line(pack.architecture)}, {size(pack.size)}, {place}"


def _details(info: "PackInfo", verbose: bool) -> Iterator[str]:
    if (pack := info.manifest) is None:
        yield str(info.problem)
        return
    weights = pack.precision.get("weights")
    yield f"{pack.dim} numbers a photo" + (f", weights in {weights}" if weights else "")
    yield f"licence {pack.licence.id}: {pack.licence.summary}"
    yield f"notice: {printable(info.folder / pack.licence.notice)}"
    if not verbose:
        return
    yield f"version {pack.version}, in {printable(info.folder)}"
    for source in pack.sources:
        yield f"trained with {source.pictures:,} of {source.name} ({source.where}): {source.terms}"
    yield from (f"{name}: {value}" for name, value in _flat(pack.figures))


def _flat(figures: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name} ")
        else:
            yield before + name, value


def _as_json(info: "PackInfo", used: str) -> dict[str, Any]:
    shared = {
        "name": info.name,
        "folder": str(info.folder),
        "shipped": info.shipped,
        "in_use": _is_used(info, used),
        "problem": info.problem,
    }
    return shared | (_told(info.manifest) if info.manifest else {})


def _told(pack: "Manifest") -> dict[str, Any]:
    from dataclasses import asdict

    told = asdict(pack)
    names = ("kind", "architecture", "version", "dim", "licence", "precision", "sources", "figures")
    return {name: told[name] for name in names} | {"size": pack.size}

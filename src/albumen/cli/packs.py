"""`albumen packs`: list, choose, check and add the models."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from albumen.cli.command import Group, Session, complete_pack
from albumen.cli.steps import steps
from albumen.cli.words import one_line, print_json, printable, size
from albumen.errors import UsageError

if TYPE_CHECKING:
    from albumen.packs.add import Added, OnStep, Options
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
    """List, choose, check and add the models ("packs")."""


@packs.command(
    "list",
    examples="""
        albumen packs list
        albumen packs list --verbose
        albumen packs list --available
        albumen packs list --json
    """,
)
@click.option("--verbose", is_flag=True, help="Also sources, figures, and what it cannot do.")
@click.option("--available", is_flag=True, help="Those that `packs pull` can fetch, instead.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def list_packs(session: Session, verbose: bool, available: bool, as_json: bool) -> None:
    """List the packs that are here, or that can be fetched.

    What they are, and under which licence; the one in use is marked with a star.
    """
    if available:
        _list_offers(as_json)
        return
    found, used = _found(session), _in_use(session)
    if as_json:
        print_json([_as_json(info, used) for info in found], indent=1)
        return
    for info in found:
        star = click.style("*", fg="green") if _is_used(info, used) else " "
        click.echo(f"{star} {click.style(one_line(info.name), bold=True)}{_about(info)}")
        for line in _details(info, verbose):
            click.echo(f"    {one_line(line)}")


def _list_offers(as_json: bool) -> None:
    from dataclasses import asdict

    from albumen.packs.offers import offers

    if as_json:
        print_json([asdict(offer) for offer in offers()], indent=1)
        return
    for offer in offers():
        needs = ", needs PyTorch" if offer.needs_pytorch else ""
        figures = "".join(
            f", {100 * share:.1f} % {what}" for what, share in offer.published.items()
        )
        click.echo(f"{click.style(offer.name, bold=True)}  {offer.kind}, {offer.architecture}")
        click.echo(f"    licence {offer.licence}{needs}{figures}")
    click.echo("\nFetch one: albumen packs pull NAME", err=True)


@packs.command("use", examples="albumen packs use starter")
@click.argument("name", metavar="NAME", shell_complete=complete_pack)
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
@click.argument("name", metavar="[NAME]", required=False, shell_complete=complete_pack)
@click.option("--device", default="cpu", metavar="NAME", help="Where the model runs; cpu, cuda, …")
@click.pass_obj
def verify(session: Session, name: str | None, device: str) -> None:
    """Check a pack, file by file; without a name, the one in use.

    Every file's hash, both towers, and a probe through each. Exits with 3 and the reason when
    something is wrong.
    """
    with session.open(name, device=device) as library:
        pack = library.pack
        pack.verify()
        files = f"{len(pack.manifest.files)} files, {size(pack.manifest.size)}"
        click.echo(f"{one_line(pack.name)} is in order: {files}, id {pack.id}")


def _complete_offer(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    from albumen.packs.offers import offers

    return [offer.name for offer in offers() if offer.name.startswith(incomplete)]


def _making(command: Callable[..., None]) -> Callable[..., None]:
    """The options that `add` and `pull` share."""
    options = (
        click.option(
            "--calibrate",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            metavar="DIR",
            help="Photos to verify int8 and measure the background with (default: generated).",
        ),
        click.option(
            "--precision",
            type=click.Choice(["int8", "float16", "float32"]),
            default="int8",
            show_default=True,
            help="Weights' form; a tower whose answers that would change stays float32.",
        ),
        click.option("--replace", is_flag=True, help="Replace the pack of the same name."),
        click.option("--quiet", "-q", is_flag=True, help="No progress."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@packs.command(
    "add",
    examples="""
        albumen packs add Xenova/clip-vit-base-patch32 --name clip-b32
        albumen packs add Xenova/clip-vit-base-patch32 --name mine --calibrate photos
    """,
)
@click.argument("source", metavar="SOURCE")
@click.option("--name", required=True, metavar="NAME", help="The name it is chosen by.")
@click.option("--revision", metavar="COMMIT", help="Of a hub's repository (default: the newest).")
@_making
@click.pass_obj
def add(
    session: Session, /, source: str, name: str, revision: str | None, quiet: bool, **making: Any
) -> None:
    """Make a pack of published weights, and check it.

    SOURCE is a repository of the hub (OWNER/NAME), a folder laid out as one, or a file of weights.
    Repositories with ONNX models need nothing else; other weights need PyTorch (albumen[train]).
    Only this command and `packs pull` use the network.
    """
    from albumen.packs.add import add

    with steps(quiet) as on_step:
        added = add(source, name, _options(session, on_step, making), revision=revision)
    _say_added(added)


@packs.command("pull", examples="albumen packs pull google/vit-base-patch16-224")
@click.argument("name", metavar="NAME", shell_complete=_complete_offer)
@_making
@click.pass_obj
def pull(session: Session, /, name: str, quiet: bool, **making: Any) -> None:
    """Fetch a published model of the catalogue, and make it a pack.

    `albumen packs list --available` names them. The revision is pinned, and what comes is checked.
    A fetch that broke off goes on where it stopped when the command is run again.
    """
    from albumen.packs.add import pull

    with steps(quiet) as on_step:
        added = pull(name, _options(session, on_step, making))
    _say_added(added)


def _options(session: Session, on_step: "OnStep", making: dict[str, Any]) -> "Options":
    from albumen.packs.add import Options

    home = session.home()
    home.make()
    return Options(home.packs, home.cache / "downloads", on_step=on_step, **making)


def _say_added(added: "Added") -> None:
    made, notes = added
    for note in notes:
        click.echo(f"Note: {one_line(note)}", err=True)
    towers = made.precision["towers"]
    forms = ", ".join(f"{tower} {form}" for tower, form in towers.items())
    click.echo(f"{one_line(made.name)} is here: {made.kind}, {size(made.size)}, {forms}")
    verb = "albumen packs use" if made.kind == "clip" else "albumen classify PHOTO --pack"
    click.echo(f"to use it: {verb} {one_line(made.name)}")


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
    from albumen.packs.card import limits

    if (pack := info.manifest) is None:
        yield str(info.problem)
        return
    weights = pack.precision.get("weights")
    gives = f"{len(pack.labels)} labels" if pack.labels else f"{pack.dim} numbers a photo"
    yield gives + (f", weights in {weights}" if weights else "")
    yield f"licence {pack.licence.id}: {pack.licence.summary}"
    yield f"notice: {printable(info.folder / pack.licence.notice)}"
    if not verbose:
        return
    yield f"version {pack.version}, in {printable(info.folder)}"
    for source in pack.sources:
        yield f"trained with {source.pictures:,} of {source.name} ({source.where}): {source.terms}"
    yield from (f"{name}: {value}" for name, value in _flat(pack.figures))
    yield from (f"limit: {point}" for point in limits(info.folder, pack))


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

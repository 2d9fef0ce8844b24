"""Packs from published weights: a hub's repository, a folder laid out as one, a file of weights.

Repositories with ready ONNX models need nothing else. Other weights go through our own models and
their export (`from_weights.py`), which need PyTorch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from albumen.checkpoints import catalogue
from albumen.checkpoints.labels import CIFAR10, imagenet
from albumen.packs import catalogue as here
from albumen.packs import hub, onnx_layouts, settings
from albumen.packs import manifest as pack
from albumen.packs.calibration import calibration
from albumen.packs.draft import Draft, Precision, Reduce, building, complete, move_in
from albumen.packs.errors import PackError
from albumen.packs.from_weights import (
    from_weights,
    halve,
    has_onnx,
    has_pytorch,
    require_pytorch,
)
from albumen.packs.offers import READY, offers
from albumen.packs.preprocessing import Preprocessing
from albumen.packs.quantize import quantize

BESIDE_WEIGHTS = (
    "config.json", "open_clip_config.json", "preprocessor_config.json", "tokenizer.json",
)  # fmt: skip

OnStep = Callable[[str, int, int], None]
"""Called with what is going on, and how far it is: done of all (0 of 0 where that is unknown)."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a pack is made; `downloads` is where parts of files are kept until they are whole.

    `calibrate`: a folder of photos, None for generated pictures. `replace`: a pack of the same name
    is replaced.
    """

    packs: Path
    downloads: Path
    calibrate: Path | None = None
    precision: Precision = "int8"
    replace: bool = False
    on_step: OnStep = lambda what, done, total: None


class Added(NamedTuple):
    """The pack, and what a person should be told about it."""

    manifest: pack.Manifest
    notes: tuple[str, ...]


def pull(name: str, options: Options) -> Added:
    """Add a checkpoint of the catalogue under its own name. Raises `PackError`.

    Without PyTorch the same weights are taken as ready ONNX models, where the hub has them.
    """
    entry = catalogue.find(name)
    if entry is None:
        known = ", ".join(offer.name for offer in offers())
        raise PackError(
            f"the catalogue has no '{name}'; it has: {known} (others: albumen packs add SOURCE)"
        )
    if "/" not in name:
        raise PackError(
            f"{name} is no hub's repository, but a file published at {entry.source}: get it there, "
            f"then run: albumen packs add {name} --name {Path(name).stem}"
        )
    if has_pytorch():
        return add(name, name, options, revision=entry.revision)
    if name not in READY:
        raise PackError(f"{name} needs PyTorch to be made into a pack: install albumen[train]")
    added = add(READY[name], name, options)
    note = f"PyTorch is not installed: the ready ONNX models of {READY[name]} were taken"
    return Added(added.manifest, (note, *added.notes))


def add(source: str, name: str, options: Options, *, revision: str | None = None) -> Added:
    """Make the pack `name` of `source`: a folder, a file of weights, or a hub's repository.

    revision: of a repository; None for the one that a pack of this name came from, else the
    catalogue's, else the newest. Nothing is left behind unless all went well, but for the parts of
    files that have come, which the next try goes on with. Raises `PackError` and `CheckpointError`.
    """
    if not all(pack.PLAIN_NAME.fullmatch(part) for part in name.split("/")) or name.count("/") > 1:
        raise PackError(f"'{name}' is no name for a pack: letters, digits, . _ - and one slash")
    _require_place(name, options.packs)
    former = _former(options.packs / name, options)
    path = Path(source).expanduser()
    if path.exists():
        made = _make(path, name, options, {"source": path.resolve().name}, None)
        return Added(made, _notes(made, options.precision, None))
    if not hub.NAME.fullmatch(source):
        raise PackError(f"{source}: there is no such file or folder, and it is no hub's name")
    return _add_from_hub(source, name, options, revision, former)


def _add_from_hub(
    source: str, name: str, options: Options, revision: str | None, former: Mapping[str, Any]
) -> Added:
    entry = catalogue.find(source)
    again = former.get("revision") if former.get("source") == source else None
    asked = revision or again or (entry.revision if entry else None)
    options.on_step(f"looking up {source}", 0, 0)
    repository = hub.look_up(source, asked)
    folder = options.downloads / source.replace("/", "--") / repository.revision
    with building(options.packs / name):  # the place can be written to: told before the download
        hashes = hub.fetch(
            repository,
            _worth_fetching(repository, options.precision, entry),
            folder,
            lambda done, total: options.on_step(f"fetching {source}", done, total),
        )
    _require_same(former, repository, hashes)
    if entry is not None and entry.revision == repository.revision:
        entry.check(folder / entry.file)
    origin = {"source": source, "revision": repository.revision, "sha256": hashes}
    made = _make(folder, name, options, origin, repository.licence)
    hub.forget(folder, options.downloads)
    pinned = entry is not None and entry.sha256 is not None
    return Added(made, _notes(made, options.precision, None if pinned else repository))


def _require_place(name: str, packs: Path) -> None:
    """A pack by that name would be found, and lies neither in another nor around one."""
    if name in {info.name for info in here.builtin_packs()}:
        raise PackError(f"{name} comes with Albumen; choose another --name")
    for info in here.installed(packs):
        if f"{info.name}/".startswith(f"{name}/") != f"{name}/".startswith(f"{info.name}/"):
            raise PackError(
                f"{name} would lie in one folder with {info.name}; choose another --name"
            )


def _former(destination: Path, options: Options) -> Mapping[str, Any]:
    """Where the pack of that name came from, if there is one that may be replaced."""
    if not destination.exists():
        return {}
    if not options.replace:
        raise PackError(
            f"there is a pack in {destination} already; choose another --name, or add --replace"
        )
    try:
        return pack.read(destination).origin
    except PackError:  # it is replaced because it is damaged
        return {}


def _worth_fetching(
    repository: hub.Repository, precision: Precision, entry: catalogue.Entry | None
) -> list[str]:
    there = repository.files
    layout = onnx_layouts.recognise(there) if entry is None else None
    if layout is not None:
        return layout.files(precision, there)
    weights = next((name for name in catalogue.WEIGHTS if name in there), None)
    weights = entry.file if entry is not None and entry.file in there else weights
    if weights is None:
        raise PackError(
            f"{repository.name} holds none of {', '.join(catalogue.WEIGHTS)} and no ONNX models in "
            "a layout that is known; choose another repository"
        )
    require_pytorch(repository.name)
    return [weights, *(name for name in BESIDE_WEIGHTS if name in there)]


def _require_same(
    former: Mapping[str, Any], repository: hub.Repository, hashes: Mapping[str, str]
) -> None:
    """What was pinned when a file was first fetched has to come again."""
    if former.get("revision") != repository.revision:
        return
    pinned = former.get("sha256", {})
    for name, found in hashes.items():
        if pinned.get(name, found) != found:
            raise PackError(
                f"{name} of {repository.name} is not the file that this pack was made of, though "
                "the revision is the same; ask its authors, or add it under another --name"
            )


def _make(
    source: Path, name: str, options: Options, origin: dict[str, Any], licence: str | None
) -> pack.Manifest:
    """From files on this machine to the pack in its place."""
    destination = options.packs / name
    with building(destination) as work:
        folder = work / "pack"
        folder.mkdir()
        options.on_step("reading the model", 0, 0)
        draft = _draft(source, folder, options, origin)
        draft = replace(draft, licence=draft.licence or licence)
        options.on_step("preparing calibration pictures", 0, 0)
        pictures = calibration(options.calibrate, Preprocessing(draft.preprocessing))
        options.on_step(f"verifying {options.precision} on {pictures.origin}", 0, 0)
        made = complete(draft, name, options.precision, pictures, sentences())
        move_in(folder, destination)
    return made


def sentences() -> list[str]:
    """What text towers are compared on: photos of ImageNet's and CIFAR-10's classes."""
    names = [name.split(",")[0] for name in (*CIFAR10, *imagenet()[::5])]
    return [f"a photo of a {name}" for name in names]


def _draft(source: Path, folder: Path, options: Options, origin: dict[str, Any]) -> Draft:
    there = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    layout = onnx_layouts.recognise(there) if source.is_dir() else None
    if layout is None:
        return from_weights(source, folder, origin, options.precision)
    if missing := [name for name in layout.needed if name not in there]:
        raise PackError(f"{source} has no file {missing[0]}, which a pack needs; get it too")
    said = settings.read(source, layout.preprocessing, layout.kind)
    draft = onnx_layouts.draft(source, layout, folder, options.precision, origin, said)
    return _with_ours(draft, options.precision)


def _with_ours(draft: Draft, precision: Precision) -> Draft:
    """Towers of which the source has no smaller form get ours, where what makes it is here."""
    if precision == "int8" and has_onnx():
        reduce: Reduce = quantize
    elif precision == "float16" and has_pytorch():
        reduce = halve
    else:
        return draft
    towers = ("image",) if draft.text is None else ("image", "text")
    return replace(draft, reduced=dict.fromkeys(towers, reduce) | {**draft.reduced})


def _notes(
    made: pack.Manifest, precision: Precision, unpinned: hub.Repository | None
) -> tuple[str, ...]:
    notes = []
    if unpinned is not None:
        notes.append(
            f"no hash of {unpinned.name} is published that Albumen knows: what came at revision "
            f"{unpinned.revision[:8]} is pinned in the pack from now on"
        )
    asked = made.precision["verified"]
    notes += [
        f"the {tower} tower stays float32: the smaller one answers differently"
        for tower in made.precision["towers"]
        if asked.get(tower, {}).get("kept") is False
    ]
    notes += [
        f"the {tower} tower stays float32: its source has no {precision} form, and making one "
        "needs albumen[train]"
        for tower in made.precision["towers"]
        if precision != "float32" and tower not in asked
    ]
    return tuple(notes)

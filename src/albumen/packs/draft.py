"""A pack in the making: float32 towers and what is known of them, then a folder that is whole."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from albumen.packs import background
from albumen.packs import manifest as pack
from albumen.packs.calibration import Calibration, agreement, good_enough
from albumen.packs.errors import PackError
from albumen.packs.pack import Pack
from albumen.packs.preprocessing import Preprocessing

CARD, BACKGROUND = "CARD.md", "background.safetensors"
TEMPLATES = ("a photo of a {}", "a picture of a {}", "a close-up photo of a {}", "{}")
SPDX = {
    "mit": "MIT", "apache-2.0": "Apache-2.0", "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause", "cc0-1.0": "CC0-1.0", "cc-by-4.0": "CC-BY-4.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0", "cc-by-sa-4.0": "CC-BY-SA-4.0",
}  # fmt: skip

Precision = Literal["int8", "float16", "float32"]
Reduce = Callable[[Path, Path, NDArray[np.float32] | None], None]
"""Writes the smaller form of a tower: (float32 file, target, pictures to calibrate by or None)."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What goes into a pack. `folder` holds its towers in float32, by the names of the records.

    `reduced` says how the smaller form of each tower is had: "image" and "text" to a function.
    `licence`: an identifier, None where the source states none, or all of it.
    """

    folder: Path
    kind: Literal["clip", "classifier"]
    architecture: str
    dim: int
    image: pack.ImageTower
    preprocessing: pack.PreprocessingRecord
    origin: dict[str, Any]
    text: pack.TextTower | None = None
    tokenizer: pack.TokenizerRecord | None = None
    labels: tuple[str, ...] = ()
    logit_scale: float = 100.0
    licence: str | pack.Licence | None = None
    published: dict[str, float] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    reduced: Mapping[str, Reduce] = field(default_factory=dict)


@contextmanager
def building(destination: Path) -> Iterator[Path]:
    """A folder beside `destination` that is thrown away, whatever happens, unless it is renamed."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".making-", dir=destination.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def move_in(folder: Path, destination: Path) -> None:
    """The finished folder under its name; what was there goes only when it is in place."""
    for file in folder.iterdir():
        with file.open("rb") as written:
            os.fsync(written.fileno())
    if not destination.exists():
        folder.rename(destination)
        return
    with building(destination) as old:
        destination.rename(old / "former")
        try:
            folder.rename(destination)
        except BaseException:
            (old / "former").rename(destination)
            raise


def complete(
    draft: Draft,
    name: str,
    precision: Precision,
    calibration: Calibration,
    texts: Sequence[str],
) -> pack.Manifest:
    """Choose each tower's precision, measure the background, write card and manifest; check it.

    texts: sentences on which the text tower is compared. Raises `PackError`.
    """
    folder = draft.folder
    (folder / CARD).write_text("", "utf-8")
    exact = _answers(folder, _described(draft, name), calibration, texts)
    said: dict[str, Any] = {}
    if precision != "float32":
        for tower, reduce in draft.reduced.items():
            said[tower] = _reduced(draft, name, tower, reduce, calibration, texts, exact)
    reduced = {tower for tower, each in said.items() if each["kept"]}
    towers = {tower: precision if tower in reduced else "float32" for tower in exact}
    described = replace(
        _described(draft, name),
        precision={
            "weights": " and ".join(sorted({*towers.values()})),
            "computation": "float32, but for products of 8-bit weights"
            if "int8" in towers.values()
            else "float32",
            "towers": towers,
            "verified": {"against": "float32", "on": _compared(calibration, draft, texts)} | said,
        },
    )
    if draft.kind == "clip":
        answers = _answers(folder, described, calibration, [*texts, *background.rivals()])
        photos = 0 if calibration.generated else len(calibration.pixels)
        read, rivals = np.split(answers["text"], [len(texts)])
        data = background.dump(answers["image"], read, rivals, photos)
        (folder / BACKGROUND).write_bytes(data)
        described = replace(described, background=BACKGROUND)
    (folder / CARD).write_text(_card(described, draft, calibration), "utf-8")
    written = pack.write(folder, described)
    Pack(folder).verify()
    return written


def _reduced(
    draft: Draft,
    name: str,
    tower: str,
    reduce: Reduce,
    calibration: Calibration,
    texts: Sequence[str],
    exact: dict[str, NDArray[np.float32]],
) -> dict[str, Any]:
    """Make the tower's smaller form and put it in place if it answers as the exact one does."""
    file = draft.folder / f"{tower}.onnx"
    steps = Preprocessing(draft.preprocessing)
    # Ranges are taken from every other picture; it is judged by those between them.
    seen = steps.normalise(calibration.pixels[::2]) if tower == "image" else None
    judged = slice(1, None, 2) if tower == "image" else slice(None)
    # Outside the pack's folder, whose every file would count as a part of the pack.
    with tempfile.TemporaryDirectory(prefix=".whole-", dir=draft.folder.parent) as aside:
        smaller, whole = Path(aside) / "smaller.onnx", Path(aside) / file.name
        reduce(file, smaller, seen)
        file.rename(whole)
        smaller.rename(file)
        try:
            found = _answers(draft.folder, _described(draft, name), calibration, texts, only=tower)
            said: dict[str, Any] = agreement(
                exact[tower][judged],
                found[tower][judged],
                classifier=draft.kind == "classifier",
            )
            kept = good_enough(said)
        except PackError as error:  # this runtime cannot run it
            said, kept = {"failed": str(error)[:200]}, False
        if not kept:
            whole.replace(file)
    return said | {"kept": kept}


def _answers(
    folder: Path,
    described: pack.Manifest,
    calibration: Calibration,
    texts: Sequence[str],
    only: str | None = None,
) -> dict[str, NDArray[np.float32]]:
    """What each tower says of the calibration pictures, (N, D), and of the texts, (M, D)."""
    pack.write(folder, described)
    opened, found = Pack(folder), {}
    if only in (None, "image"):
        look = opened.logits if opened.is_classifier else opened.encode_images
        found["image"] = look(calibration.pixels)
    if described.text is not None and only in (None, "text"):
        found["text"] = opened.encode_texts(texts)
    return found


def _described(draft: Draft, name: str) -> pack.Manifest:
    return pack.Manifest(
        format=pack.FORMAT,
        name=name,
        kind=draft.kind,
        architecture=draft.architecture,
        version=str(draft.origin.get("revision", "1"))[:12],
        dim=draft.dim,
        image=draft.image,
        preprocessing=draft.preprocessing,
        licence=_licence(draft),
        files={},
        text=draft.text,
        tokenizer=draft.tokenizer,
        templates=TEMPLATES if draft.kind == "clip" else (),
        logit_scale=draft.logit_scale,
        labels=draft.labels,
        figures=({"published": draft.published} if draft.published else {}) | draft.figures,
        origin=draft.origin,
    )


def _licence(draft: Draft) -> pack.Licence:
    if isinstance(draft.licence, pack.Licence):
        return draft.licence
    if draft.licence is None:
        summary = "its source states no licence: ask its author before you pass it on"
        return pack.Licence("LicenseRef-unstated", CARD, summary)
    known = SPDX.get(draft.licence.lower(), draft.licence)
    return pack.Licence(known, CARD, f"as its publishers state it: {known}")


def _compared(calibration: Calibration, draft: Draft, texts: Sequence[str]) -> str:
    return calibration.origin + (f" and {len(texts)} texts" if draft.text is not None else "")


def _card(described: pack.Manifest, draft: Draft, calibration: Calibration) -> str:
    """CARD.md."""
    lines = [f"# {described.name}", "", f"{described.architecture}, a {described.kind}.", ""]
    lines += ["## Where it comes from", ""]
    lines += [f"- {key}: {_in_words(value)}" for key, value in draft.origin.items()]
    lines += ["", "## Licence", "", f"{described.licence.id}: {described.licence.summary}.", ""]
    lines += ["## Precision", ""]
    for tower, weights in described.precision["towers"].items():
        said = described.precision["verified"].get(tower)
        figures = f"; against float32: {_in_words(said)}" if said else ""
        lines.append(f"- {tower}: {weights}{figures}")
    lines += ["", f"Compared on {described.precision['verified']['on']}.", ""]
    if described.background:
        lines += ["## Background", "", f"Measured on {calibration.origin}.", ""]
        if calibration.generated:
            lines += [
                "Generated pictures are no photos: cut-offs made with these statistics are rough. "
                "For better ones add the pack again with `--calibrate FOLDER`, some hundreds of "
                "photos of your own.",
                "",
            ]
    if draft.published:
        lines += ["## Published", ""]
        lines += [f"- {task}: {100 * value:.2f} %" for task, value in draft.published.items()]
        lines += ["", "As its authors measured it, with their float32 weights.", ""]
    if draft.figures:
        lines += ["## Measured", "", _in_words(draft.figures), ""]
    else:
        said = "Which pictures it was trained on, and what it cannot do, its source has to say."
        lines += [said, ""]
    return "\n".join(lines)


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_in_words(each)}" for key, each in value.items())
    return {True: "yes", False: "no"}.get(value, str(value)) if type(value) is bool else str(value)

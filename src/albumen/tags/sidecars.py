"""Tags as XMP sidecars, for other photo software: on request, and never into a photo.

A sidecar that is there already is somebody's work (darktable keeps its edits in them) and stays as
it is, unless Albumen wrote it.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from albumen.library import xmp
from albumen.library.records import LibraryError, Root
from albumen.library.store import Store, tags
from albumen.library.store.tags import Tag
from albumen.library.words import LARGEST_SIDECAR
from albumen.whole_file import replacing

TOOLKIT = "Albumen"
"""Stands in `x:xmptk`: by it we know our own sidecars."""

Outcome = Literal["written", "unchanged", "kept", "failed"]


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What became of one: `kept` is another program's, `failed` could not be written."""

    path: Path
    outcome: Outcome
    reason: str = ""


def export(
    store: Store, pack_key: str | None, *, to: Path | None, under: Path | None, by_model: bool
) -> Iterator[Sidecar]:
    """Write a sidecar for each place of each photo that has tags, and say what became of it.

    `to`: a folder that gets the tree of the photos' folders, with sidecars in it; None: beside the
    photos. `under`: only photos there. `by_model`: also what no person and no file said.
    """
    roots = _names(store.roots())
    ids = store.candidates(under=under)
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500].tolist()
        places = store.paths(some)
        for photo in some:
            given = [
                tag
                for tag in tags.of_photo(store.db, photo, pack_key)
                if by_model or tag.by != "model"
            ]
            if given:
                for path in places.get(photo, []):
                    yield _write(_beside(path) if to is None else _below(to, path, roots), given)


def render(given: Sequence[Tag]) -> bytes:
    """The XMP of tags; those that a model gave are named once more apart, so that reading the
    sidecar again does not take them for a person's."""
    for prefix in ("x", "rdf", "dc", "albumen"):
        ElementTree.register_namespace(prefix, xmp.NAMESPACES[prefix])
    meta = ElementTree.Element(xmp.name("x:xmpmeta"), {xmp.TOOLKIT: TOOLKIT})
    rdf = ElementTree.SubElement(meta, xmp.name("rdf:RDF"))
    about = {xmp.name("rdf:about"): ""}
    description = ElementTree.SubElement(rdf, xmp.name("rdf:Description"), about)
    _bag(description, xmp.name("dc:subject"), [tag.tag for tag in given])
    if by_model := [tag.tag for tag in given if tag.by == "model"]:
        _bag(description, xmp.BY_MODEL, by_model)
    ElementTree.indent(meta, " ")
    text: bytes = ElementTree.tostring(meta, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _bag(parent: ElementTree.Element, name: str, values: Sequence[str]) -> None:
    bag = ElementTree.SubElement(ElementTree.SubElement(parent, name), xmp.name("rdf:Bag"))
    for value in values:
        ElementTree.SubElement(bag, xmp.name("rdf:li")).text = value


def _write(file: Path, given: Sequence[Tag]) -> Sidecar:
    content = render(given)
    try:
        if os.path.lexists(file):
            if not _is_ours(file):
                return Sidecar(file, "kept", "another program wrote it")
            if file.read_bytes() == content:
                return Sidecar(file, "unchanged")
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as out:  # never half a sidecar
            out.write(content)
    except OSError as error:
        return Sidecar(file, "failed", (error.strerror or str(error)).lower())
    return Sidecar(file, "written")


def _is_ours(file: Path) -> bool:
    status = file.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_SIDECAR:
        return False
    try:
        said = xmp.parse(file.read_bytes())
    except xmp.XmpError:
        return False
    return said.texts(xmp.TOOLKIT) == [TOOLKIT]


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".xmp")


def _below(to: Path, path: Path, roots: dict[Path, str]) -> Path:
    """`to`/NAME OF THE ROOT/folders/photo.jpg.xmp"""
    for root, name in roots.items():
        if path.is_relative_to(root):
            return _beside(to / name / path.relative_to(root))
    raise LibraryError(f"{path} lies in no folder of the library")


def _names(roots: Sequence[Root]) -> dict[Path, str]:
    """A folder's name for each root, with a number where two are called alike."""
    names: dict[Path, str] = {}
    for root in roots:
        name, number = root.path.name or "root", 1
        while name in names.values():
            number += 1
            name = f"{root.path.name or 'root'} ({number})"
        names[root.path] = name
    return names

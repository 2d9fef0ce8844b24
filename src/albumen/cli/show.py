"""`albumen show`: everything the library knows of a photo."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from albumen.cli.command import Command, Session
from albumen.cli.words import one_line, print_json, printable, shown_tag, size

if TYPE_CHECKING:
    from albumen.api import Library
    from albumen.library.store import Photo
    from albumen.library.store.told import Source

SOURCES = {
    "exif": "EXIF",
    "xmp": "XMP or IPTC",
    "name": "the file's name",
    "mtime": "the file's time",
}


@click.command(
    "show",
    cls=Command,
    examples="""
        albumen show photos/cat.png
        albumen show photos/cat.png --json
    """,
)
@click.argument("photo", metavar="PHOTO", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.pass_obj
def show(session: Session, photo: Path, as_json: bool) -> int:
    """Show everything the library knows of a photo: its places, dates, camera, and what failed."""
    with session.open() as library:
        path = photo.expanduser().absolute()
        known = library.store.photo_by_path(path) or library.store.photo_by_path(path.resolve())
        if known is None:
            click.echo(
                f"{printable(path)} is not in the library; take it in with: albumen index FOLDER",
                err=True,
            )
            return 1
        facts = as_dict(library, known)
    if as_json:
        print_json(facts, indent=1)
    else:
        _print_words(facts)
    return 0


def as_dict(library: "Library", photo: "Photo") -> dict[str, Any]:
    """A photo's record; `encoded` says whether search knows it with the pack in use."""
    from albumen.library.store import tags, told

    paths = library.store.paths([photo.id]).get(photo.id, [])
    data = photo.metadata
    return {
        "path": str(paths[0]) if paths else None,
        "paths": [str(path) for path in paths],
        "content_hash": photo.content_hash.hex(),
        "image_hash": photo.image_hash.hex() if photo.image_hash else None,
        "bytes": photo.bytes,
        "format": photo.format,
        "width": photo.width,
        "height": photo.height,
        "orientation": data.orientation,
        "taken": data.taken,
        "taken_source": data.taken_source,
        "offset": data.offset,
        "latitude": data.latitude,
        "longitude": data.longitude,
        "camera": data.camera,
        "pack": library.pack.name,
        "encoded": library.store.embedding(photo.id, library.pack.id) is not None,
        "tags": [
            {"tag": tag.tag, "score": tag.score, "by": tag.by}
            for tag in tags.of_photo(library.store.db, photo.id, library.pack.id)
        ],
        "told": [_told(source) for source in told.of_photo(library.store.db, photo.id)],
        "failures": [
            {"stage": failure.stage, "status": failure.status, "reason": failure.reason}
            for failure in library.store.failures(photo.id)
        ],
    }


def _told(source: "Source") -> dict[str, Any]:
    """What one file says in words; `sidecar` is None for the photo's own."""
    return {
        "sidecar": str(source.path) if source.path else None,
        "keywords": list(source.told.keywords),
        "title": source.told.title,
        "caption": source.told.caption,
        "place": source.told.place,
        "rating": source.told.rating,
    }


def _print_words(facts: dict[str, Any]) -> None:
    for label, value in _lines(facts):
        click.echo(f"{click.style(f'{label:<9}', dim=True)} {value}")


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and value for each thing that is known."""
    lines = [("file" if n == 0 else "copy", printable(p)) for n, p in enumerate(facts["paths"])]
    if facts["format"]:
        shape = f"{facts['width']} × {facts['height']}"
        lines.append(("picture", f"{facts['format']}, {shape}, {size(facts['bytes'])}"))
    if facts["taken"]:
        offset = f" {facts['offset']}" if facts["offset"] else ""
        source = SOURCES.get(facts["taken_source"], "")
        lines.append(("taken", f"{facts['taken'].replace('T', ' ')}{offset} (from {source})"))
    if facts["latitude"] is not None:
        lines.append(("place", f"{facts['latitude']:.5f}, {facts['longitude']:.5f}"))
    if facts["camera"]:
        lines.append(("camera", printable(facts["camera"])))
    for said in facts["told"]:
        for label in ("title", "caption", "place", "rating"):
            if said[label] is not None:
                lines.append((label, one_line(str(said[label]))))
    if facts["tags"]:
        lines.append(("tags", ", ".join(shown_tag(tag["tag"]) for tag in facts["tags"])))
    found = "can be found" if facts["encoded"] else "cannot be found by what it shows"
    lines.append(("search", f"{found} with the pack {facts['pack']}"))
    lines.append(("content", facts["content_hash"]))
    for failure in facts["failures"]:
        lines.append((failure["status"], f"{failure['stage']}: {failure['reason']}"))
    return lines

"""A shard built in view: plain pictures in the colours that the tiny pack knows."""

import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image
from tests.packs.tiny_pack import COLOURS


def jpeg(colour: tuple[int, int, int], size: tuple[int, int] = (60, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", quality=95)
    return out.getvalue()


def write(file: Path, rows: Iterable[tuple[str, dict[str, bytes]]]) -> Path:
    """Rows of key and {extension: content}, as a tar file."""
    with tarfile.open(file, "w") as tar:
        for key, parts in rows:
            for extension, content in parts.items():
                info = tarfile.TarInfo(f"{key}.{extension}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return file


def row(key: str, picture: bytes, **known: Any) -> tuple[str, dict[str, bytes]]:
    known = {"source": "colours", "captions": [], "label": None} | known
    return key, {"jpg": picture, "json": json.dumps(known).encode()}


def colours(file: Path) -> Path:
    """Each colour as a picture with its name as label and caption."""
    return write(
        file,
        (
            row(name, jpeg(colour), label=name, captions=[f"{name} picture", name])
            for name, colour in COLOURS.items()
        ),
    )

"""The file's format: JSON that a person can read, with a version, and a line for each picture.

A picture is named by its hash, of its image data where the format allows that, else of the file's
bytes. `path` and `paths` are for the reader: where such a photo lay when it was written.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from albumen.errors import UsageError
from albumen.packs.typed_json import build

FORMAT = "albumen export"
VERSION = 1
LARGEST = 1 << 30
"""Bytes; a million decisions are a fifth of that."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_HASH_DIGITS = 64


class ExportError(UsageError):
    """A file that cannot be taken for an export, or not be written over."""


@dataclass(frozen=True, slots=True)
class Said:
    """A picture has a tag, or has it not, as a person said at a time (UTC)."""

    tag: str
    has: bool
    at: str

    def __post_init__(self) -> None:
        _check_time(self.at)


@dataclass(frozen=True, slots=True)
class Tagged:
    """What was said of one picture."""

    picture: str
    tags: tuple[Said, ...]
    path: str | None = None

    def __post_init__(self) -> None:
        _check_hash(self.picture)


@dataclass(frozen=True, slots=True)
class Pair:
    """What was decided of two pictures."""

    first: str
    second: str
    verdict: Literal["not-duplicates", "keep-both"]
    at: str
    paths: tuple[str | None, ...] = ()

    def __post_init__(self) -> None:
        _check_hash(self.first)
        _check_hash(self.second)
        _check_time(self.at)
        if self.first == self.second:
            raise ValueError("a pair needs two pictures")


@dataclass(frozen=True, slots=True)
class Document:
    """A whole file. `vocabulary`: the lines of the owner's text, None for the default one."""

    format: str
    version: int
    exported: str
    vocabulary: tuple[str, ...] | None
    tags: tuple[Tagged, ...]
    pairs: tuple[Pair, ...]


def parse(data: bytes, name: str) -> Document:
    """The document that a file holds. Raises ExportError that says what is wrong, and where."""
    if len(data) > LARGEST:
        raise ExportError(f"{name} is larger than {LARGEST >> 20} MB, and no export of Albumen")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{name} is no export of Albumen, or was cut short ({error})") from None
    _check_version(value, name)
    try:
        return build(Document, value)
    except ValueError as error:
        raise ExportError(f"{name} cannot be taken: {error}; nothing was changed") from None


def _check_version(value: Any, name: str) -> None:
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ExportError(f"{name} is no export of Albumen; such a file is made by: albumen export")
    version = value.get("version")
    if type(version) is int and version > VERSION:
        raise ExportError(
            f"{name} was written by a newer Albumen (version {version} of the format, this one "
            f"knows {VERSION}); update Albumen"
        )


def _check_hash(text: str) -> None:
    if len(text) != _HASH_DIGITS or re.fullmatch("[0-9a-f]+", text) is None:
        raise ValueError(f"{text[:80]!r} is no hash of {_HASH_DIGITS} digits")


def _check_time(text: str) -> None:
    if _TIME.fullmatch(text) is None:
        raise ValueError(f"{text[:80]!r} is no time such as 2024-05-01T10:20:30Z")

"""How values are printed: names that no terminal can be hurt by, numbers with units, JSON."""

import json
import os
import re
from typing import Any

import click


def printable(path: str | bytes | os.PathLike[Any]) -> str:
    r"""A file name on one line: control characters and undecodable bytes escaped (`\n`, `\xff`).

    >>> printable(b"beach\n\xff.jpg")
    'beach\\n\\xff.jpg'
    """
    name = os.fsencode(path).decode("utf-8", "backslashreplace")
    return one_line(name)


def one_line(text: str) -> str:
    """The text with what would move a terminal's cursor, or is no character, escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown_tag(tag: str) -> str:
    """A tag on one line; the joiners that emoji and some scripts are written with stay."""
    parts = re.split("([\u200c\u200d\U000e0020-\U000e007f]+)", tag)
    return "".join(part if at % 2 else one_line(part) for at, part in enumerate(parts))


def print_json(value: Any, *, indent: int | None = None) -> None:
    r"""One JSON value on stdout, in ASCII: valid in every encoding, whatever a name holds.

    A byte of a name that is not UTF-8 appears as `\udcXX`; in Python, `os.fsencode(value)` of the
    decoded string gives the name's exact bytes back.
    """
    click.echo(json.dumps(value, indent=indent))


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 photo`, `12,000 photos`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: float) -> str:
    """Bytes for people, in powers of ten: `3.4 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def duration(seconds: float) -> str:
    """`0.8 s`, `42 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"

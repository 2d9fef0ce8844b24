"""WebDataset shards: tar files in which the members of one sample share a name up to its first dot.

Of a sample we read KEY.jpg (or .jpeg, .png, .webp), KEY.json (`source`, `captions`, `label`) and
KEY.cls (a class's number). https://github.com/webdataset/webdataset
"""

import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

from albumen.errors import AlbumenError, UsageError
from albumen.packs import typed_json

PICTURES = ("jpg", "jpeg", "png", "webp")
LARGEST = {"json": 1_000_000, "cls": 100} | dict.fromkeys(PICTURES, 64_000_000)  # bytes
SHARD_NUMBER = re.compile(r"[-_.]?\d+$")


class EvaluationError(AlbumenError):
    """A pack cannot be measured with these shards, for the reason in the message."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """What KEY.json says. A sample without a source is counted under its shard's name."""

    source: str | None = None
    captions: tuple[str, ...] = ()
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture's bytes and what is known of it. `end`: how far into its shard it reaches."""

    name: str
    end: int
    picture: bytes
    source: str
    captions: tuple[str, ...]
    label: str | None
    number: int | None


@dataclass(frozen=True, slots=True)
class Skip:
    """A sample, or the rest of a shard, that could not be used, and why."""

    name: str
    reason: str


class _UnusableError(ValueError):
    """This sample cannot be used."""


def find_shards(data: Sequence[Path]) -> list[Path]:
    """The tar files given, and those directly in the folders given, in the order of their names.

    Raises `UsageError` for a path that is neither, and for a folder without a shard.
    """
    shards: list[Path] = []
    for path in data:
        if path.is_dir():
            found = sorted(path.glob("*.tar"))
            if not found:
                raise UsageError(f"{path} holds no shard; a shard's name ends in .tar")
            shards += found
        elif path.is_file():
            shards.append(path)
        else:
            raise UsageError(f"{path} is not there; give .tar files, or a folder of them")
    return shards


def read(shard: Path) -> Iterator[Sample | Skip]:
    """Every sample of a shard, in its order. What is damaged comes as a `Skip`, never as an error.

    Raises `EvaluationError` for a file that is no tar file at all.
    """
    try:
        tar = tarfile.open(shard, "r:")  # noqa: SIM115 (closed below)
    except (tarfile.TarError, OSError) as error:
        raise EvaluationError(f"{shard} cannot be read as a tar file ({error})") from error
    with tar:
        try:
            members = (member for member in tar if member.isfile())
            for key, group in groupby(members, _key):
                # Read as they come: a group's members are gone once the next is asked for.
                yield _sample(tar, shard, key, list(group))
        except (tarfile.TarError, OSError) as error:
            yield Skip(shard.name, f"is damaged; what follows was not read ({error})")
            return
        if not _ended_well(tar):
            yield Skip(shard.name, "ends early or is damaged; what follows was not read")


def _key(member: tarfile.TarInfo) -> str:
    path = PurePosixPath(member.name)
    return str(path.parent / (path.name.partition(".")[0] or path.name))


def _sample(
    tar: tarfile.TarFile, shard: Path, key: str, members: list[tarfile.TarInfo]
) -> Sample | Skip:
    name = f"{shard.name}:{key}"
    try:
        parts = {kind: data for kind, data in (_part(tar, member) for member in members) if kind}
        picture = next((parts[kind] for kind in PICTURES if kind in parts), None)
        if picture is None:
            raise _UnusableError(f"has no picture (.{', .'.join(PICTURES)})")
        annotation = _annotation(parts.get("json", b"{}"))
        return Sample(
            name=name,
            end=members[-1].offset_data + members[-1].size,
            picture=picture,
            source=annotation.source or SHARD_NUMBER.sub("", shard.stem) or shard.stem,
            captions=tuple(text for text in annotation.captions if text.strip()),
            label=annotation.label,
            number=_number(parts["cls"]) if "cls" in parts else None,
        )
    except _UnusableError as error:
        return Skip(name, str(error))


def _part(tar: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[str, bytes]:
    """The member's kind and bytes; no kind for what we do not read."""
    kind = PurePosixPath(member.name).name.partition(".")[2].lower()
    if kind not in LARGEST:
        return "", b""
    if member.size > LARGEST[kind]:
        raise _UnusableError(f"its .{kind} is larger than {LARGEST[kind]:,} bytes")
    file = tar.extractfile(member)
    return kind, file.read() if file else b""


def _annotation(data: bytes) -> Annotation:
    try:
        # Half a surrogate pair is no text for any tokenizer.
        text = json.dumps(json.loads(data), ensure_ascii=False).encode("utf-8", "replace")
        return typed_json.build(Annotation, json.loads(text))
    except (ValueError, RecursionError) as error:
        raise _UnusableError(f"its .json is unusable ({error})") from error


def _number(data: bytes) -> int:
    if not data.strip().isdigit():
        raise _UnusableError("its .cls is not a number")
    return int(data)


def _ended_well(tar: tarfile.TarFile) -> bool:
    """Whether reading stopped at the end mark, a block of zeros; tarfile itself does not say."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    block = tar.fileobj.read(tarfile.BLOCKSIZE)
    return bool(block == bytes(tarfile.BLOCKSIZE))

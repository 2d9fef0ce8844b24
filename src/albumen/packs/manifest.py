"""pack.json: what a pack is, as frozen values, read with checks.

A pack id names what determines embeddings; vectors of different ids are never compared.
"""

import json
import math
import re
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from blake3 import blake3

from albumen.packs import typed_json
from albumen.packs.errors import PackError
from albumen.packs.plain_file import open_plain

FORMAT = 1
FILE = "pack.json"
LARGEST_MANIFEST = 4_000_000  # bytes; ImageNet's labels take 30,000
LARGEST_TOWER = 8_000_000_000  # bytes; CLIP's largest published tower, in float32, has 7.4 GB
LARGEST_OTHER = 200_000_000  # bytes; a multilingual tokenizer takes 17 MB, a covariance of 4096² 67
LARGEST_SIDE = 2048  # pixels
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
AGAIN = "get the pack again"

Three = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file of the pack: its size in bytes and its BLAKE3 hash in hexadecimal."""

    size: int
    blake3: str


@dataclass(frozen=True, slots=True)
class ImageTower:
    """The picture tower's file and the names of its input and outputs.

    `embeds` names (B, dim): embeddings, or a classifier's logits, one a label before softmax.
    `local_embeds` names (B, P, D), one vector a place, whose mean is the embedding; `grid` says how
    the P places lie, rows by columns.
    """

    file: str
    input: str
    embeds: str
    local_embeds: str | None = None
    grid: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class TextTower:
    """The text tower's file and the names of its inputs and its output."""

    file: str
    input: str
    embeds: str
    attention_mask: str | None = None


@dataclass(frozen=True, slots=True)
class TokenizerRecord:
    """The tokenizer's file, the most tokens a text may have, and what fills shorter ones."""

    file: str
    context: int
    pad_id: int
    end_id: int


@dataclass(frozen=True, slots=True)
class PreprocessingRecord:
    """How a picture becomes the tower's input; `albumen.packs.preprocessing` carries it out.

    `resize`: the short side's length, or (height, width). `crop`: side of the centre square, None
    for no crop. `mean`, `std`: of each channel, for values from 0 to 1.
    """

    resize: int | tuple[int, int]
    crop: int | None
    interpolation: Literal["bilinear", "bicubic", "lanczos"]
    mean: Three
    std: Three


@dataclass(frozen=True, slots=True)
class Licence:
    """An SPDX identifier, the file that holds the notice, and one line of it."""

    id: str
    notice: str
    summary: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where training pictures came from, and on which terms."""

    name: str
    where: str
    pictures: int
    terms: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All of pack.json."""

    format: int
    name: str
    kind: Literal["clip", "classifier", "fingerprint"]
    architecture: str
    version: str
    dim: int
    image: ImageTower
    preprocessing: PreprocessingRecord
    licence: Licence
    files: dict[str, FileRecord]
    text: TextTower | None = None
    tokenizer: TokenizerRecord | None = None
    templates: tuple[str, ...] = ()
    logit_scale: float = 100.0
    background: str | None = None
    words: str | None = None
    labels: tuple[str, ...] = ()
    precision: dict[str, Any] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files together, pack.json itself not counted."""
        return sum(record.size for record in self.files.values())

    @property
    def towers(self) -> tuple[str, ...]:
        """Names of the files that determine embeddings."""
        parts = (self.image, self.text, self.tokenizer)
        return tuple(part.file for part in parts if part is not None)


def read(folder: Path) -> Manifest:
    """The manifest of the pack in `folder`; raises `PackError` for one that cannot be trusted."""
    try:
        with open_plain(folder / FILE) as file:
            text = file.read(LARGEST_MANIFEST + 1)
    except FileNotFoundError:
        raise PackError(f"{folder} is no pack: it has no {FILE}") from None
    except OSError as error:
        raise PackError(f"{folder / FILE} cannot be read: {error.strerror}") from error
    return parse(text, folder)


def parse(text: bytes, folder: Path) -> Manifest:
    """The manifest in `text`; `folder` is named in errors. Raises `PackError`."""
    if len(text) > LARGEST_MANIFEST:
        raise PackError(f"{folder / FILE} is larger than {LARGEST_MANIFEST:,} bytes; not read")
    try:
        value = json.loads(text)
        given = value.get("format") if isinstance(value, dict) else None
        if type(given) is int and given > FORMAT:
            raise PackError(
                f"{folder} was written by a newer Albumen (pack format {given}, this one reads "
                f"{FORMAT}); update Albumen"
            )
        manifest = typed_json.build(Manifest, value)
        _check(manifest)
    # RecursionError: JSON nested thousands deep.
    except (ValueError, RecursionError) as error:
        raise PackError(f"{folder / FILE} is damaged ({error}); {AGAIN}") from error
    return manifest


def write(folder: Path, manifest: Manifest) -> Manifest:
    """Write pack.json beside the pack's files, whose sizes and hashes are taken as they lie there.

    Raises `PackError` if the manifest names a file that is not there.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != FILE)
    records = {path.name: _record(path) for path in files}
    complete = replace(manifest, files=records)
    text = json.dumps(asdict(complete), indent=2, ensure_ascii=False) + "\n"
    parse(text.encode(), folder)
    (folder / FILE).write_text(text, "utf-8")
    return complete


def pack_id(manifest: Manifest) -> str:
    """32 hexadecimal digits that change whenever embeddings could."""
    record = asdict(manifest)
    names = ("kind", "dim", "image", "text", "tokenizer", "preprocessing")
    parts = {name: record[name] for name in names}
    parts["hashes"] = [manifest.files[name].blake3 for name in manifest.towers]
    return blake3(json.dumps(parts, sort_keys=True).encode()).hexdigest(length=16)


def _check(manifest: Manifest) -> None:
    """What annotations cannot say. Raises ValueError."""
    if manifest.format != FORMAT:
        raise ValueError(f"there is no pack format {manifest.format}")
    if manifest.kind == "clip" and (manifest.text is None or manifest.tokenizer is None):
        raise ValueError("it is a CLIP without a text tower or a tokenizer")
    if manifest.kind == "classifier" and not len(manifest.labels) == manifest.dim > 0:
        raise ValueError(
            f"it is a classifier of {manifest.dim} outputs with {len(manifest.labels)} labels"
        )
    _check_files(manifest)
    _check_numbers(manifest)


def _check_files(manifest: Manifest) -> None:
    parts = manifest.name.split("/")
    named = [
        *manifest.towers,
        manifest.licence.notice,
        *filter(None, [manifest.background, manifest.words]),
    ]
    for name in [*parts, *manifest.files, *named]:
        if not PLAIN_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no plain name")
    if len(parts) > 2:
        raise ValueError("a name may hold one slash")
    if missing := [name for name in named if name not in manifest.files]:
        raise ValueError(f"it gives no size and hash of {missing[0]}")
    for name, record in manifest.files.items():
        most = LARGEST_TOWER if name.endswith(".onnx") else LARGEST_OTHER
        if not 0 <= record.size <= most:
            raise ValueError(f"{name} may have {most:,} bytes at most, not {record.size:,}")


def _check_numbers(manifest: Manifest) -> None:
    steps = manifest.preprocessing
    if isinstance(steps.resize, int) and steps.crop is None:
        raise ValueError("what is resized by its short side must be cropped")
    sides = [*(steps.resize if isinstance(steps.resize, tuple) else [steps.resize])]
    sides += [] if steps.crop is None else [steps.crop]
    if not all(1 <= side <= LARGEST_SIDE for side in sides) or not 1 <= manifest.dim <= 65_536:
        raise ValueError("its sizes are out of range")
    if manifest.tokenizer is not None and not 1 <= manifest.tokenizer.context <= 65_536:
        raise ValueError("its context is out of range")
    numbers = [*steps.mean, *steps.std, manifest.logit_scale]
    if not all(map(math.isfinite, numbers)) or min(*steps.std, manifest.logit_scale) <= 0:
        raise ValueError("its mean, std or logit_scale is out of range")


def _record(path: Path) -> FileRecord:
    data = path.read_bytes()
    return FileRecord(len(data), blake3(data).hexdigest())

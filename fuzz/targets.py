"""What is fuzzed: each parser of our own, what it promises of any bytes, and where to begin.

A target takes bytes and returns nothing. It may raise nothing but what its parser says it raises,
which is caught here; whatever else escapes is a finding.
"""

import contextlib
import io
import itertools
import json
import math
import os
import struct
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from albumen.cli.words import one_line, printable
from albumen.errors import AlbumenError, UsageError
from albumen.evaluation import shards
from albumen.library import containers, image_hash, metadata, tag_name, words, xmp
from albumen.library.decode import DecodeError
from albumen.library.decode.bounds import MAX_MEMORY_HERE
from albumen.library.decode.cost import cost
from albumen.library.decode.formats import detect
from albumen.library.decode.here import decode_here
from albumen.library.exif import EXIF_IFD, GPS_IFD, Exif, exif_block
from albumen.library.patterns import Patterns
from albumen.packs import PackError, manifest, onnx_file, onnx_graph
from albumen.search import matrix
from albumen.search.query import QueryError, parse_day
from albumen.tags import vocabulary


@dataclass(frozen=True)
class Target:
    """A parser under fire. `seeds`: whole inputs to begin with."""

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


def run_containers(data: bytes) -> None:
    """Pieces lie within the data and move forward; so does an item of a HEIF."""
    for walk in (containers.jpeg_header, containers.png_chunks, containers.webp_chunks):
        _check(list(walk(data)), len(data))
    _check(list(containers.boxes(data, 0, len(data))), len(data))
    for kind in (b"Exif", b"mime"):
        item = containers.heif_item(data, kind)
        assert item is None or item.end <= len(data)


def _check(pieces: list[containers.Piece], size: int) -> None:
    assert all(piece.start <= piece.end <= size for piece in pieces)
    assert all(a.end <= b.start for a, b in itertools.pairwise(pieces))


def run_image_hash(data: bytes) -> None:
    """A hash or none; a JPEG's does not depend on what stands behind its end."""
    found = image_hash.of(data)
    assert found is None or len(found) == 32
    if found is not None and data.startswith(b"\xff\xd8"):
        assert image_hash.of(data + b"appended") == found


def run_exif(data: bytes) -> None:
    """No tag of any block raises, and an orientation is one of eight."""
    for block in (data, exif_block(data)):
        exif = Exif(block)
        assert 1 <= exif.orientation <= 8
        for directory in (None, EXIF_IFD, GPS_IFD):
            for tag in (1, 2, 3, 4, 0x0110, 0x0132, 0x9003):
                exif.get(tag, directory)


def run_xmp(data: bytes) -> None:
    """Dates are texts, a few and short; in any container, and by themselves."""
    jpeg = b"http://ns.adobe.com/xap/1.0/\0" + data[:65_000]
    for whole in (data, b"\xff\xd8\xff\xe1" + struct.pack(">H", len(jpeg) + 2) + jpeg):
        assert all(isinstance(date, str) for date in xmp.xmp_dates(whole))


def run_told(data: bytes) -> None:
    """What a photo or a sidecar says: keywords that are clean tags, each once; 1 to 5 stars."""
    told = [words.read(data)]
    with contextlib.suppress(words.SidecarError):
        told.append(words.read_sidecar(data))
    for said in told:
        assert [tag_name.clean(keyword) for keyword in said.keywords] == list(said.keywords)
        assert len({tag_name.key(keyword) for keyword in said.keywords}) == len(said.keywords)
        assert said.rating in (None, 1, 2, 3, 4, 5)


def run_vocabulary(data: bytes) -> None:
    """A vocabulary is refused, or written as it is read."""
    with contextlib.suppress(AlbumenError):
        parsed = vocabulary.parse(data.decode("utf-8", "replace"))
        assert vocabulary.parse(parsed.text()) == parsed


def run_metadata(data: bytes) -> None:
    """Whatever a file and its name say: dates that can be, places on the globe."""
    name = data[:40].decode("latin-1").replace("/", "")
    told = metadata.read(data, name=name, mtime_ns=int.from_bytes(data[:8], "big", signed=True))
    assert told.taken is None or datetime.fromisoformat(told.taken)
    assert told.latitude is None or (abs(told.latitude) <= 90 and abs(told.longitude or 0) <= 180)
    assert told.camera is None or told.camera.isprintable()


def run_decoding(data: bytes) -> None:
    """Pixels or a reason; what its header says is dear is a worker's and not decoded here."""
    with contextlib.suppress(DecodeError):
        format = detect(data)
        if format in ("JPEG", "PNG", "WEBP") and cost(data, format, 32) <= MAX_MEMORY_HERE:
            picture = decode_here(data, format, 32)
            height, width = picture.pixels.shape[:2]
            assert picture.pixels.shape == (height, width, 3)
            assert height * width * 3 <= 2 * MAX_MEMORY_HERE


def run_manifest(data: bytes) -> None:
    """A manifest is read or refused; one that is read has an id and plain names."""
    with contextlib.suppress(PackError):
        known = manifest.parse(data, Path("pack"))
        assert len(manifest.pack_id(known)) == 32
        assert all(manifest.PLAIN_NAME.fullmatch(name) for name in known.files)
        assert math.isfinite(known.logit_scale)


def run_onnx_file(data: bytes) -> None:
    """Yes, no, or no model; never no where onnx itself finds weights outside."""
    try:
        outside = onnx_file.uses_external_data(data)
    except onnx_file.NotONNXError:
        return
    if not outside:
        assert not _outside_by_onnx(data)


def _outside_by_onnx(data: bytes) -> bool:
    import onnx
    from google.protobuf.message import DecodeError as NoMessage

    try:
        model = onnx.ModelProto.FromString(data)
    except NoMessage:
        return False
    tensors = [*model.graph.initializer, *(a.t for n in model.graph.node for a in n.attribute)]
    return any(tensor.external_data or tensor.data_location for tensor in tensors)


def run_onnx_graph(data: bytes) -> None:
    """A changed model, or a reason."""
    with contextlib.suppress(ValueError):
        assert onnx_graph.with_unit_output(data, "y", "embeds", 4)


def run_shards(data: bytes) -> None:
    """Samples, skips, or no tar file at all."""
    with tempfile.NamedTemporaryFile(suffix=".tar") as file:
        file.write(data)
        file.flush()
        with contextlib.suppress(shards.EvaluationError):
            for found in shards.read(Path(file.name)):
                assert found.name


def run_matrix_header(data: bytes) -> None:
    """A header or damage; what is read says again what was read."""
    with contextlib.suppress(matrix.DamagedError):
        header = matrix.Header.loads(data.decode("utf-8", "replace"))
        assert matrix.Header.loads(header.dumps()) == header


def run_patterns(data: bytes) -> None:
    """Every text is a pattern or is refused, and a pattern answers for every path."""
    pattern, _, path = data[:400].partition(b"\n")
    with contextlib.suppress(UsageError):
        assert Patterns([os.fsdecode(pattern)]).matches(path[:60]) in (True, False)


def run_words(data: bytes) -> None:
    """What a terminal is shown moves no cursor and rings no bell; a day is a day or none."""
    text = os.fsdecode(data)
    for shown in (one_line(text), printable(text)):
        assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)
    with contextlib.suppress(QueryError):
        assert parse_day(text).year >= 1


def _pictures() -> Iterable[bytes]:
    from tests.library.hostile import small_samples

    return small_samples().values()


def _exif_blocks() -> Iterable[bytes]:
    return [block for data in _pictures() if (block := exif_block(data)) is not None]


def _packets() -> Iterable[bytes]:
    date = 'xmlns:e="http://ns.adobe.com/exif/1.0/" e:DateTimeOriginal="2024-05-01T10:20:30"'
    return [
        f"<x {date}/>".encode(),
        b'<x xmlns:p="http://ns.adobe.com/photoshop/1.0/"><p:DateCreated>2024</p:DateCreated></x>',
        b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
    ]


def _packs() -> dict[str, bytes]:
    from tests.packs.tiny_pack import build

    with tempfile.TemporaryDirectory() as place:
        folder = build(Path(place) / "tiny")
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def _models() -> Iterable[bytes]:
    return [data for name, data in _packs().items() if name.endswith(".onnx")]


def _iptc() -> Iterable[bytes]:
    from tests.library.albums import jpeg
    from tests.library.worded import iim, with_iptc, with_windows_words

    fields = iim((1, 90, b"\x1b%G"), (2, 25, b"Rosie"), (2, 120, b"We dig."), (2, 55, b"19850617"))
    return [with_iptc(jpeg(1), fields), with_windows_words("Rosie;beach", "We dig.", 3)]


def _tars() -> Iterable[bytes]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, data in {
            "a.jpg": b"\xff\xd8", "a.json": b'{"captions": ["a cat"]}', "a.cls": b"7",
            "b.png": b"\x89PNG",
        }.items():  # fmt: skip
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return [file.getvalue()]


def _headers() -> Iterable[bytes]:
    return [matrix.Header("library", "0" * 32, 4, 7, 9, 2, ("ab",)).dumps().encode(), b"{}"]


TARGETS = {
    target.name: target
    for target in (
        Target("containers", run_containers, _pictures),
        Target("image_hash", run_image_hash, _pictures),
        Target("exif", run_exif, _exif_blocks),
        Target("xmp", run_xmp, _packets),
        Target("told", run_told, lambda: [*_pictures(), *_packets(), *_iptc()]),
        Target("vocabulary", run_vocabulary, lambda: [b"[a]\ndog = a dog; x\n# c\n#b\n"]),
        Target("metadata", run_metadata, _pictures),
        Target("decoding", run_decoding, _pictures),
        Target("manifest", run_manifest, lambda: [_packs()["pack.json"], json.dumps({}).encode()]),
        Target("onnx_file", run_onnx_file, _models),
        Target("onnx_graph", run_onnx_graph, _models),
        Target("shards", run_shards, _tars),
        Target("matrix_header", run_matrix_header, _headers),
        Target("patterns", run_patterns, lambda: [b"2024/**/*.jp[ge]\n2024/a/b.jpg", b"[!a]\nb"]),
        Target("words", run_words, lambda: [b"2024-05-01", b"a \x1b[31m name\n\xff"]),
    )
}

"""What is fuzzed: each parser of our own, what it promises of any bytes, and where to begin.

A target takes bytes and returns nothing. It may raise nothing but what its parser says it raises,
which is caught here; whatever else escapes is a finding.
"""

import contextlib
import io
import itertools
import math
import os
import struct
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fuzz import seeds

from albumen.cli.words import one_line, printable
from albumen.errors import AlbumenError, UsageError
from albumen.evaluation import shards
from albumen.exchange import document
from albumen.library import containers, image_hash, metadata, tag_name, words, xmp
from albumen.library.decode import DecodeError, answer
from albumen.library.decode.bounds import MAX_MEMORY_HERE
from albumen.library.decode.cost import cost
from albumen.library.decode.formats import detect
from albumen.library.decode.here import decode_here
from albumen.library.exif import EXIF_IFD, GPS_IFD, Exif, exif_block
from albumen.library.patterns import Patterns
from albumen.packs import PackError, background, manifest, onnx_file, onnx_graph, settings
from albumen.packs.settings import OPEN_CLIPS
from albumen.packs.tokenizer import Tokenizer
from albumen.search import matrix, reading
from albumen.search import words as asked
from albumen.search.query import QueryError, parse_day
from albumen.tags import vectors, vocabulary


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


def run_document(data: bytes) -> None:
    """An export is refused, or taken: pictures by their hashes, times that are times."""
    with contextlib.suppress(document.ExportError):
        taken = document.parse(data, "decisions.json")
        hashes = [t.picture for t in taken.tags] + [p.first for p in taken.pairs]
        assert all(len(bytes.fromhex(each)) == 32 for each in hashes)


def run_answer(data: bytes) -> None:
    """What a worker says is pixels of its shape, a failure, or no answer."""
    with contextlib.suppress(DecodeError, ValueError, EOFError):
        said, pixels = answer.read(io.BytesIO(data))
        assert pixels.shape == said.shape


def run_repository(data: bytes) -> None:
    """The JSON files beside a published ONNX model: what they say of it, or a reason."""
    config, _, preprocessing = data.partition(b"\0")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.json").write_bytes(config)
        for kind, file in (("clip", "preprocessor_config.json"), ("classifier", OPEN_CLIPS)):
            (folder / file).write_bytes(preprocessing)
            with contextlib.suppress(PackError):
                said = settings.read(folder, file, kind)
                assert len(said.steps.mean) == len(said.steps.std) == 3
        with contextlib.suppress(PackError):
            assert settings.pad_token(folder / "config.json") != ""


def run_checkpoint(data: bytes) -> None:
    """The JSON files beside weights that do not fit them: refused before anything large is made."""
    from albumen.checkpoints import CheckpointError, load

    config, _, preprocessing = data.partition(b"\0")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.safetensors").write_bytes(seeds.one_tensor())
        (folder / "config.json").write_bytes(config)
        (folder / "preprocessor_config.json").write_bytes(preprocessing)
        with contextlib.suppress(CheckpointError):
            load(folder)
            raise AssertionError("one tensor was taken for a model")


def run_tokenizer(data: bytes) -> None:
    """A tokenizer or none; one that is read makes ids of any text, as many as fit at most."""
    text = os.fsdecode(data[-50:])
    record = manifest.TokenizerRecord("tokenizer.json", 8, 0, 1)
    with contextlib.suppress(PackError):
        read = Tokenizer(data, record, Path("tokenizer.json"))
        assert len(read.tokens(text).ids) <= 8
        ids, mask = read.batch([text, ""])
        assert ids.shape == mask.shape


def run_background(data: bytes) -> None:
    """Statistics of the pack's size, or an error that the pack explains."""
    from safetensors import SafetensorError

    with contextlib.suppress(SafetensorError, LookupError, ValueError, TypeError):
        assert background.load(data, 4).mean.shape == (4,)


def run_tag_vectors(data: bytes) -> None:
    """Vectors by their keys, or none at all of what does not bear its own checksum."""
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        file.write(data)
        file.flush()
        known = vectors.read(Path(file.name), 4)
        assert all(len(key) == 16 and vector.shape == (4,) for key, vector in known.items())


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


def run_query(data: bytes) -> None:
    """A query's words, and how a pack reads it that knows the words on the second line."""
    text, _, known = os.fsdecode(data[:400]).partition("\n")
    assert all(term.shown for term in asked.terms(text))
    said = reading.read(text, known.split())
    assert said.known or not said.text or reading.WORD.search(text) or not known.split()


TARGETS = {
    target.name: target
    for target in (
        Target("containers", run_containers, seeds.pictures),
        Target("image_hash", run_image_hash, seeds.pictures),
        Target("exif", run_exif, seeds.exif_blocks),
        Target("xmp", run_xmp, seeds.packets),
        Target("told", run_told, lambda: [*seeds.pictures(), *seeds.packets(), *seeds.iptc()]),
        Target("vocabulary", run_vocabulary, lambda: [b"[a]\ndog = a dog; x\n# c\n#b\n"]),
        Target("metadata", run_metadata, seeds.pictures),
        Target("decoding", run_decoding, seeds.pictures),
        Target("manifest", run_manifest, lambda: [seeds.packs()["pack.json"], b"{}"]),
        Target("document", run_document, seeds.documents),
        Target("answer", run_answer, seeds.answers),
        Target("repository", run_repository, seeds.settings),
        Target("checkpoint", run_checkpoint, seeds.settings),
        Target("tokenizer", run_tokenizer, lambda: [seeds.packs()["tokenizer.json"]]),
        Target("background", run_background, seeds.statistics),
        Target("tag_vectors", run_tag_vectors, seeds.tag_vectors),
        Target("onnx_file", run_onnx_file, seeds.models),
        Target("onnx_graph", run_onnx_graph, seeds.models),
        Target("shards", run_shards, seeds.tars),
        Target("matrix_header", run_matrix_header, seeds.headers),
        Target("patterns", run_patterns, lambda: [b"2024/**/*.jp[ge]\n2024/a/b.jpg", b"[!a]\nb"]),
        Target("query", run_query, lambda: [b"two grey tyres, may 2019\ntwo gray tire the"]),
        Target("words", run_words, lambda: [b"2024-05-01", b"a \x1b[31m name\n\xff"]),
    )
}

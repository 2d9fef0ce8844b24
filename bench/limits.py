"""How far from its limits each stage of indexing 12-megapixel photos is.

    python -m bench.limits [--photos 96] [--rounds 3] [--write docs/performance.md]
    PHOTOS=/folder python -m bench.limits

The starter pack takes turns with all cores that only decode the same files: once the entropy coding
alone ("Huffman"), once at the scale that the starter needs, where libjpeg-turbo skips most of what
it decodes. Then each stage's processor time a photo, in one thread, beside the least that its work
takes.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import simplejpeg
from bench import _clip256, _entropy, _photos, _process, _work
from bench._page import put
from blake3 import blake3

from albumen.library import image_hash, metadata
from albumen.library.decode import DecodeWorkers, decode
from albumen.packs import Pack, open_pack
from albumen.packs.runtime import cores

VARIANTS = 4  # of each photo, so that starting up is a small part
VIT_B32_256 = 65 * 12 * 12 * 768 * 768 + 12 * 2 * 65 * 65 * 768 + 64 * 3 * 32 * 32 * 768
"""Multiply-adds of the image tower: tokens x (12 widths^2 x 12 blocks), attention, patches."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="put the tables into this page, at their mark")
    args = parser.parse_args()
    photos = _photos.photos(_work.made() / "photos", args.photos)
    whole = against_limits(photos, args.rounds)
    print(whole, flush=True)
    large = open_pack(_clip256.packs(_work.FOLDER / "models")["float32"])
    each = stages(photos[:12], large, open_pack("starter"))
    print(each)
    if args.write:
        conditions = (
            f"{len(photos)} JPEGs, {VARIANTS} variants of each, {cores()} cores, medians of "
            f"{args.rounds} rounds."
        )
        put(args.write, "bench.limits", f"{conditions}\n\n{whole}\n\n{each}")
    return 0


def against_limits(photos: list[Path], rounds: int) -> str:
    """The starter's photos a second beside all cores that only decode."""
    with tempfile.TemporaryDirectory(dir=_work.made()) as name:
        folder = Path(name) / "photos"
        files = _photos.variants(photos, folder, VARIANTS)
        for file in files:
            file.read_bytes()  # so that all find it in the page cache
        ways: dict[str, Callable[[], float]] = {
            "Albumen with the starter pack": lambda: _starter(Path(name), folder, len(files)),
            "limit: Huffman alone, the whole picture": lambda: _all_cores(files, _entropy.decode),
            "limit: decoding at 1/8 alone": lambda: _all_cores(files, _eighth),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, measure in ways.items():
                seconds[way].append(measure())
    ours = seconds["Albumen with the starter pack"]
    rows = ["| | photos a second | Albumen reaches |", "|---|---|---|"]
    for way, spent in seconds.items():
        speed = statistics.median(len(files) / each for each in spent)
        share = statistics.median(b / a for a, b in zip(ours, spent, strict=True))
        rows.append(f"| {way} | {speed:.1f} | {100 * share:.0f} % |")
    return "\n".join(rows)


def _starter(place: Path, folder: Path, count: int) -> float:
    """Seconds from the first file to the last commit."""
    with tempfile.TemporaryDirectory(dir=place) as home:
        command = _process.index_command(Path(home) / "home", folder, "starter")
        said = json.loads(_process.run(command, memory=False).out)
    assert said["indexed"] == count, said
    seconds: float = said["seconds"]
    return seconds


def _all_cores(files: list[Path], work: Callable[[bytes], object]) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(lambda file: work(file.read_bytes()), files):
            pass
    return time.perf_counter() - began


def _eighth(data: bytes) -> object:
    return simplejpeg.decode_jpeg(data, min_height=112, min_width=112)


def stages(photos: list[Path], large: Pack, starter: Pack) -> str:
    """Processor time of each stage in this thread, beside the least that its work can take."""
    files = [photo.read_bytes() for photo in photos]
    with DecodeWorkers(1) as workers:
        decoded = [decode(data, short_side=256, workers=workers).pixels for data in files]
        rows = [
            ("read the file", _each(Path.read_bytes, photos), "copying it", _each(_copied, files)),
            ("hash its bytes", _each(_hash, files), "copying them", _each(_copied, files)),
            (
                "decode at 1/8, checks, EXIF",
                _each(lambda data: decode(data, short_side=256, workers=workers), files),
                "libjpeg-turbo alone",
                _each(_eighth, files),
            ),
            (
                "hash the picture without metadata",
                _each(image_hash.of, files),
                "hashing it",
                _each(_hash, files),
            ),
            (
                "metadata",
                _each(lambda data: metadata.read(data, name="a.jpg", mtime_ns=1), files),
                "",
                0.0,
            ),
        ]
    for pack, name in ((starter, "starter"), (large, "ViT-B/32 at 256 px")):
        pixels = np.stack([pack.preprocessing.apply(each) for each in decoded[:8]])
        rows.append((f"resize, {name}", _each(pack.preprocessing.apply, decoded), "", 0.0))
        one = Pack(pack.folder, threads=1)
        one.encode_images(pixels)
        spent = _each(one.encode_images, [pixels] * 3) / len(pixels)
        least = 1000 * VIT_B32_256 / _peak() if pack is large else 0.0
        rows.append(
            (f"network, {name}", spent, "a matrix product of its size" * bool(least), least)
        )
    lines = ["| stage | ms a photo | limit | ms | of the limit |", "|---|---|---|---|---|"]
    for stage, spent, limit, least in rows:
        share = f"{100 * least / spent:.0f} %" if least else ""
        lines.append(f"| {stage} | {spent:.2f} | {limit} | {least:.2f} | {share} |")
    return "\n".join(line.replace("| 0.00 |  |", "| | |") for line in lines)


def _each(work: Callable[..., object], values: list[object] | list[Path] | list[bytes]) -> float:
    """Milliseconds of this process's processor time for one value: the best of three passes."""
    passes = []
    for _ in range(3):
        began = time.process_time()
        for value in values:
            work(value)
        passes.append(1000 * (time.process_time() - began) / len(values))
    return min(passes)


def _copied(data: bytes) -> object:
    return bytearray(data)


def _hash(data: bytes) -> object:
    return blake3(data).digest()


def _peak(side: int = 1536) -> float:
    """Multiply-adds a second of one core in the runtime's own matrix product."""
    from onnx import TensorProto, helper

    from albumen.packs.runtime import Session

    shape = helper.make_tensor_value_info
    product = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["c"])],
        "product",
        [shape("a", TensorProto.FLOAT, [side, side]), shape("b", TensorProto.FLOAT, [side, side])],
        [shape("c", TensorProto.FLOAT, [side, side])],
    )
    model = helper.make_model(product, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    session = Session(model.SerializeToString(), Path("product.onnx"), device="cpu", threads=1)
    values = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    inputs = {"a": values, "b": values}
    return 1000 * side**3 / _each(lambda _: session.run("c", inputs), [0] * 4)


if __name__ == "__main__":
    sys.exit(main())

"""What it costs to decode in worker processes rather than in our own threads.

    python -m bench.isolation [--write docs/reliability.md]

A 12-megapixel photo in each format whose decoding is a worker's is decoded by as many threads as
there are cores, in this process and through workers, in turns, so that other load on the machine
meets both alike; the ratio is the median over rounds. Camera JPEGs stay in our own threads and cost
nothing: for them the look at the header is measured, in parts of their decoding.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench._page import put
from PIL import Image
from tests.library.pictures import encoded

from albumen.library.decode import DecodeWorkers
from albumen.library.decode.cost import cost
from albumen.library.decode.formats import detect
from albumen.library.decode.here import decode_here
from albumen.packs.runtime import cores

ROUNDS, EACH, SHORT_SIDE = 7, 4, 224
KINDS: dict[str, tuple[str, dict[str, object]]] = {
    "HEIC": ("HEIF", {}),
    "AVIF": ("AVIF", {"speed": 9}),
    "TIFF, LZW": ("TIFF", {"compression": "tiff_lzw"}),
    "GIF": ("GIF", {}),
    "BMP": ("BMP", {}),
    "PNG": ("PNG", {"compress_level": 1}),
    "WebP": ("WEBP", {"lossless": False, "method": 0}),
    "JPEG, progressive": ("JPEG", {"progressive": True}),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.isolation")
    parser.add_argument("--write", type=Path, metavar="PAGE")
    asked = parser.parse_args()
    photo = _photo()
    rows = []
    with DecodeWorkers() as workers:
        for name, (format, options) in KINDS.items():
            data = encoded(photo, format, **options)
            here, there = _in_turns(
                lambda data=data: decode_here(data, detect(data), SHORT_SIDE),
                lambda data=data: workers.decode(data, detect(data), SHORT_SIDE),
            )
            rows.append((name, len(data), statistics.median(here), _ratio(there, here)))
            print(name, f"{rows[-1][3]:.2f}", flush=True)
    text = _table(rows) + f"\n\n{_header(encoded(photo, 'JPEG', quality=85))}"
    print(text)
    if asked.write:
        put(asked.write, "bench.isolation", text)


def _photo() -> Image.Image:
    import skimage.data

    path = Path(skimage.data.__file__).parent / "coffee.png"
    return Image.open(path).convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC)


def _in_turns(*ways: Callable[[], object]) -> list[list[float]]:
    """Seconds a picture, of each way in each round; the first round only warms up."""
    seconds: list[list[float]] = [[] for _ in ways]
    with ThreadPoolExecutor(cores()) as threads:
        for _ in range(ROUNDS + 1):
            for way, spent in zip(ways, seconds, strict=True):
                began = time.perf_counter()
                list(threads.map(lambda _, way=way: way(), range(EACH)))
                spent.append((time.perf_counter() - began) / EACH)
    return [spent[1:] for spent in seconds]


def _ratio(ones: list[float], others: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ones, others, strict=True))


def _table(rows: list[tuple[str, int, float, float]]) -> str:
    head = "| 12 megapixels as | MB | ms a picture in our own threads | in workers, times that |\n"
    body = (f"| {n} | {b / 1e6:.1f} | {s * 1000:.0f} | {r:.2f} |" for n, b, s, r in rows)
    return head + "|---|---|---|---|\n" + "\n".join(body)


def _header(data: bytes) -> str:
    decode = partial(decode_here, data, "JPEG", SHORT_SIDE)
    look, whole = _in_turns(lambda: cost(data, "JPEG", SHORT_SIDE), decode)
    share = 100 * _ratio(look, whole)
    return f"A camera's JPEG stays in our own threads; the look at its header takes {share:.2f} %."


if __name__ == "__main__":
    main()

"""How fast JPEGs are decoded at reduced scale: simplejpeg, which Albumen uses, against Pillow.

    python -m bench.decode [FOLDER]

Decodes each JPEG in FOLDER (default: 12-megapixel enlargements of scikit-image's sample photos) to
a short side of at least 224 pixels. The two take turns on the same file, so that other load on
the machine meets both alike; the ratio is the median over rounds. `held` is the longest time that
another thread had to wait for the interpreter meanwhile, in the median round.
"""

import statistics
import sys
import threading
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import simplejpeg
from PIL import Image

from albumen.library.decode import DecodeWorkers, decode

SHORT_SIDE = 224
ROUNDS = 15


def main() -> None:
    files = _given(Path(sys.argv[1])) if len(sys.argv) > 1 else _samples()
    decoders: dict[str, Callable[[bytes], object]] = {
        "Pillow, draft mode": _pillow,
        "simplejpeg": _simplejpeg,
        "albumen (simplejpeg, checks, EXIF)": _albumen,
    }
    seconds: dict[str, list[float]] = {name: [] for name in decoders}
    held: dict[str, list[float]] = {name: [] for name in decoders}
    for _ in range(ROUNDS):
        for name, decoder in decoders.items():
            spent, waited = _measure(decoder, files)
            seconds[name].append(spent)
            held[name].append(waited)
    base = seconds["Pillow, draft mode"]
    print(f"{len(files)} JPEGs, {sum(map(len, files)) / 1e6:.1f} MB, short side {SHORT_SIDE}")
    for name, values in seconds.items():
        each = 1000 * statistics.median(values) / len(files)
        ratio = statistics.median(a / b for a, b in zip(values, base, strict=True))
        wait = 1000 * statistics.median(held[name])
        print(f"{name:36} {each:6.1f} ms a picture  x{ratio:.2f}  held {wait:5.1f} ms")


def _measure(decoder: Callable[[bytes], object], files: list[bytes]) -> tuple[float, float]:
    """Seconds for all files, and the longest pause of a thread that wakes each millisecond."""
    stop, waits = threading.Event(), [0.0]

    def watch() -> None:
        while not stop.is_set():
            before = time.perf_counter()
            time.sleep(0.001)
            waits.append(time.perf_counter() - before - 0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    begin = time.perf_counter()
    for data in files:
        decoder(data)
    spent = time.perf_counter() - begin
    stop.set()
    watcher.join()
    return spent, max(waits)


def _pillow(data: bytes) -> object:
    image = Image.open(BytesIO(data), formats=["JPEG"])
    image.draft("RGB", (SHORT_SIDE, SHORT_SIDE))
    return image.convert("RGB")


def _simplejpeg(data: bytes) -> object:
    return simplejpeg.decode_jpeg(data, min_height=SHORT_SIDE, min_width=SHORT_SIDE)


_WORKERS = DecodeWorkers(1)


def _albumen(data: bytes) -> object:
    return decode(data, short_side=SHORT_SIDE, workers=_WORKERS)


def _given(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.rglob("*.[jJ][pP]*[gG]"))[:50]]


def _samples() -> list[bytes]:
    import skimage.data

    folder = Path(skimage.data.__file__).parent
    files = []
    for name in ("astronaut.png", "chelsea.png", "coffee.png"):
        photo = Image.open(folder / name).convert("RGB")
        file = BytesIO()
        photo.resize((4000, 3000), Image.Resampling.BICUBIC).save(file, "JPEG", quality=92)
        files.append(file.getvalue())
    return files


if __name__ == "__main__":
    main()

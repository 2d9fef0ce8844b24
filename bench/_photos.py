"""Photos to index: 12-megapixel JPEGs with photographic detail, generated, or a folder of yours.

A generated photo is a part of one of scikit-image's samples, enlarged to 4000 x 3000 pixels, with
texture whose power falls with the square of frequency, as in natural images (Field, JOSA A 1987),
and a sensor's grain; chroma is halved and quality chosen so that files have 2 to 4 MB, as cameras
and telephones write them. `PHOTOS=/folder` takes the JPEGs of a folder instead.
"""

import io
import os
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 4000, 3000
SAMPLES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
SMALLEST, LARGEST = 2_000_000, 4_000_000
QUALITIES = (90, 88, 85, 92, 94, 80)


def photos(folder: Path, count: int) -> list[Path]:
    """`count` JPEGs in `folder`: copies of those of PHOTOS, or generated unless they lie there."""
    folder.mkdir(parents=True, exist_ok=True)
    given = os.environ.get("PHOTOS")
    made = [folder / f"IMG_{number:05}.jpg" for number in range(count)]
    if given:
        return _copied(Path(given), folder, count)
    missing = [number for number, file in enumerate(made) if not file.is_file()]
    for number in missing:
        made[number].write_bytes(generated(number))
    for other in set(folder.iterdir()) - set(made):
        other.unlink()
    return made


def variants(photos: list[Path], folder: Path, times: int) -> list[Path]:
    """Each photo so many times, each time with another comment: another content, the same work."""
    folder.mkdir()
    made = []
    for number in range(times):
        comment = b"\xff\xfe\x00\x06%04d" % number
        for photo in photos:
            data = photo.read_bytes()
            made.append(folder / f"{number}-{photo.name}")
            made[-1].write_bytes(data[:2] + comment + data[2:])
    return made


def generated(number: int) -> bytes:
    """The photo of that number, the same each time."""
    random = np.random.default_rng(number)
    pixels = _enlarged(SAMPLES[number % len(SAMPLES)], random) + _texture(random)[..., None]
    grain = random.uniform(1.0, 3.0)
    pixels += random.normal(scale=grain, size=(HEIGHT, WIDTH, 1)).astype(np.float32)
    picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    for quality in QUALITIES:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, subsampling="4:2:0")
        if SMALLEST <= file.tell() <= LARGEST:
            return file.getvalue()
    raise AssertionError(f"photo {number} has {file.tell():,} bytes at no fitting quality")


def _enlarged(sample: str, random: np.random.Generator) -> NDArray[np.float32]:
    """A part of the sample with the proportions of a photo, (HEIGHT, WIDTH, 3)."""
    import skimage.data

    with Image.open(Path(skimage.data.__file__).parent / sample) as opened:
        picture = opened.convert("RGB")
    width = min(picture.width, picture.height * WIDTH // HEIGHT)
    width = int(width * random.uniform(0.8, 1.0))
    height = width * HEIGHT // WIDTH
    left = int(random.integers(0, picture.width - width + 1))
    top = int(random.integers(0, picture.height - height + 1))
    part = picture.crop((left, top, left + width, top + height))
    return np.asarray(part.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float32)


def _texture(random: np.random.Generator, tile: int = 1000) -> NDArray[np.float32]:
    """Luminance (HEIGHT, WIDTH) with a natural spectrum, of tiles that continue into each other."""
    frequency = np.hypot(np.fft.fftfreq(tile)[:, None], np.fft.rfftfreq(tile)[None])
    frequency[0, 0] = np.inf
    white = np.fft.rfft2(random.normal(size=(tile, tile)))
    noise = np.fft.irfft2(white / frequency, s=(tile, tile))
    detail = (8 * noise / noise.std()).astype(np.float32)
    return np.tile(detail, (HEIGHT // tile, WIDTH // tile))


def _copied(source: Path, folder: Path, count: int) -> list[Path]:
    found = sorted(path for path in source.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if not found:
        raise SystemExit(f"PHOTOS={source} holds no JPEG")
    shutil.rmtree(folder)
    folder.mkdir()
    return [
        Path(shutil.copyfile(path, folder / f"{number:05}.jpg"))
        for number, path in enumerate(found[:count])
    ]

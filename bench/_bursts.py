"""The table of bursts by which `bench.duplicates` judges: photos of one scene that are no copies.

Fixed before anything was tuned on it. Real ones are frames of sequences in public repositories,
read from git clones (bare is enough) named OWNER+NAME, and a stereo pair of scikit-image's; each is
made smaller and loses its metadata, as messengers do it, so that no time tells it from a copy.
Generated ones are made of a picture: what is near is moved against what is far, as by a hand that
does not hold still, or a subject moves before a camera that does; with new noise and light. What
is random follows from the picture's name alone.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from recipes.starter.shards import Repository

Random = np.random.Generator
Pixels = np.ndarray

LONGEST = 640
QUALITY = 88


@dataclass(frozen=True)
class Sequence:
    """Frames of one scene, or pairs of frames of several.

    path: which of the repository's files, as a shell's pattern; of those every `step`-th. scene:
    what of a file's name, from its beginning, tells the scene (a pattern).
    """

    name: str
    repository: str
    commit: str
    path: str
    what: str
    step: int = 1
    scene: str = ""


SEQUENCES: tuple[Sequence, ...] = (
    Sequence(
        "desk",
        "magicleap/SuperGluePretrainedNetwork",
        "ddcf11f42e7e0732a0c4607648f9448ea8d73590",
        "assets/freiburg_sequence/*.png",
        "an office filmed by hand, a frame a second (TUM RGB-D, CC BY 4.0)",
    ),
    Sequence(
        "rooms",
        "magicleap/SuperGluePretrainedNetwork",
        "ddcf11f42e7e0732a0c4607648f9448ea8d73590",
        "assets/scannet_sample_images/*.jpg",
        "fifteen rooms, two views of each (ScanNet, for research)",
        scene="scene[0-9]+",
    ),
    Sequence(
        "sights",
        "magicleap/SuperGluePretrainedNetwork",
        "ddcf11f42e7e0732a0c4607648f9448ea8d73590",
        "assets/phototourism_sample_images/*.jpg",
        "four sights, each by several visitors (YFCC100M)",
        scene="[a-z_]+",
    ),
    Sequence(
        "bedroom",
        "facebookresearch/sam2",
        "2b90b9f5ceec907a1c18123530e92e794ad901a4",
        "notebooks/videos/bedroom/*.jpg",
        "children on a bed, filmed by hand, every tenth frame (Apache-2.0)",
        step=10,
    ),
    Sequence(
        "castle",
        "openMVG/ImageDataset_SceauxCastle",
        "fde7f5faba555e3c54700477c304488613346a19",
        "images/*.JPG",
        "a castle, some steps aside each time (terms unstated)",
    ),
    Sequence(
        "field",
        "OpenDroneMap/odm_data_copr",
        "97cd18478ca1885f5713a11bf98d4bf96308b399",
        "images/*.jpg",
        "a field from a drone, each photo overlapping the next (CC BY-SA 4.0)",
    ),
)
STEREO = ("motorcycle_left.png", "motorcycle_right.png")
"""Among scikit-image's samples (Middlebury 2014)."""


@dataclass(frozen=True)
class Frame:
    """A picture of a burst. `scene`: what it shows; `jpeg`: makes its file."""

    name: str
    burst: str
    scene: str
    jpeg: Callable[[], bytes]


def real(mirrors: Path | None) -> Iterator[Frame]:
    """The frames of all sequences that are there; one that is not is named and left out."""
    yield from _stereo()
    if mirrors is None:
        return
    for sequence in SEQUENCES:
        clone = mirrors / sequence.repository.replace("/", "+")
        found = [folder for folder in (clone / "repo", clone / ".git", clone) if _is_git(folder)]
        if not found:
            print(f"no clone of {sequence.repository} in {mirrors}; without {sequence.name}")
            continue
        yield from frames(sequence, Repository(found[0], sequence.commit))


def _is_git(folder: Path) -> bool:
    return (folder / "HEAD").is_file()


def frames(sequence: Sequence, repository: Repository) -> Iterator[Frame]:
    """Those of one sequence."""
    paths = [path for path in sorted(repository) if fnmatch(path, sequence.path)]
    for path in paths[:: sequence.step]:
        stem = Path(path).stem
        scene = re.match(sequence.scene, stem)
        assert scene is not None
        yield Frame(
            f"burst-{sequence.name}-{stem}",
            sequence.name,
            f"{sequence.name} {scene[0]}",
            partial(_read, repository, path),
        )


def _read(repository: Repository, path: str) -> bytes:
    return smaller(repository.read(path))


def _stereo() -> Iterator[Frame]:
    import skimage

    for name in STEREO:
        path = Path(skimage.__file__).parent / "data" / name
        yield Frame(f"burst-{path.stem}", "motorcycle", "motorcycle", partial(_file, path))


def _file(path: Path) -> bytes:
    return smaller(path.read_bytes())


def smaller(data: bytes) -> bytes:
    """Upright, at most LONGEST pixels wide and high, without metadata."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return _jpeg(picture)


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def described(name: str) -> str:
    """What a sequence or a move of the table is."""
    told = {sequence.name: f"{sequence.name}: {sequence.what}" for sequence in SEQUENCES}
    told |= {move.name: f"generated: {move.name}" for move in MOVES}
    return told.get(name, f"{name}: the two eyes of a stereo camera (Middlebury 2014)")


# Generated


@dataclass(frozen=True)
class Move:
    """What happened between two photos of a generated burst, as shares of the width.

    parallax: how far what is nearest moves against what is farthest · camera: how far the whole
    moves, about; it turns by as many tenths of a radian, and comes nearer by as much.
    """

    name: str
    parallax: float
    camera: float


MOVES = (
    Move("held still", 0.01, 0.01),
    Move("a hand's breadth", 0.02, 0.02),
    Move("a step aside", 0.04, 0.03),
    Move("subject moved, tripod", 0.07, 0.0),
)


def generated(picture: Image.Image, move: Move, random: Random) -> bytes:
    """The scene of a picture a moment later, as a JPEG of the same size."""
    pixels = np.asarray(picture.convert("RGB"), np.float32)
    height, width = pixels.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    subject = _subject(x, y, random)
    ground = 0.35 * np.clip(y, 0, 1) if move.camera else 0.0
    way = random.uniform(0, 2 * np.pi)
    near = 2 * move.parallax * np.maximum(subject, ground)
    across, down = near * np.cos(way), near * np.sin(way) * (0.4 if move.camera else 1)
    turn, nearer = random.normal(size=2) * move.camera * np.array([0.1, 0.5])
    aside = random.normal(size=2) * move.camera
    zoom = 1 - 4 * move.camera - abs(nearer)  # so that no place outside the picture is needed
    places_x = zoom * (x * np.cos(turn) - y * np.sin(turn)) + aside[0] + across
    places_y = zoom * (x * np.sin(turn) + y * np.cos(turn)) + aside[1] + down
    moved = _looked_up(pixels, places_x, places_y)
    light = 1 + random.normal() * 0.04
    noise = random.normal(scale=3, size=moved.shape)
    return _jpeg(Image.fromarray(np.clip(moved * light + noise, 0, 255).astype(np.uint8)))


def _subject(x: Pixels, y: Pixels, random: Random) -> Pixels:
    """1 where somebody stands, 0 elsewhere: an upright shape with uneven edges."""
    middle_x, middle_y = random.uniform(-0.45, 0.45), random.uniform(-0.1, 0.4)
    wide, high = random.uniform(0.25, 0.45), random.uniform(0.45, 0.8)
    angle = np.arctan2(y - middle_y, x - middle_x)
    uneven = 1 + sum(
        0.09 * np.sin(waves * angle + random.uniform(0, 2 * np.pi)) for waves in (2, 3, 5)
    )
    apart = np.hypot((x - middle_x) / wide, (y - middle_y) / high) / uneven
    edge: Pixels = np.clip((1 - apart) / 0.12 + 0.5, 0, 1)
    return edge


def _looked_up(pixels: Pixels, x: Pixels, y: Pixels) -> Pixels:
    """Pixels at places from -1 to 1, between pixels mixed, beyond the edge mirrored."""
    height, width = pixels.shape[:2]
    x, y = (np.abs(1 - np.abs(1 - (places + 1) / 2)) for places in (x, y))
    x, y = x * (width - 1), y * (height - 1)
    left = np.clip(x.astype(int), 0, width - 2)
    top = np.clip(y.astype(int), 0, height - 2)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    upper = pixels[top, left] * (1 - fx) + pixels[top, left + 1] * fx
    lower = pixels[top + 1, left] * (1 - fx) + pixels[top + 1, left + 1] * fx
    mixed: Pixels = upper * (1 - fy) + lower * fy
    return mixed

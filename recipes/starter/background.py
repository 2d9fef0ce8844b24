"""What pictures in general are like, for the cut-off and the tags: measured on an album's mix.

    python -m recipes.starter.background --data DIR --pack src/albumen/packs/starter

Training draws what teaches most, and one picture in ten comes from sets of cats and dogs alone:
against these no cat is anything unusual. An album holds people, places, journeys, rooms, food and
things, and a pet now and then: so many of each source make the background. The pack's towers stay
as they are, its `background.safetensors` is measured anew.
"""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from recipes.starter.lessons import Lessons
from recipes.starter.matches import TextPool

from albumen.packs import background, manifest, open_pack
from albumen.packs.background import Vectors

SEED = 12
PICTURES, TEXTS, AT_ONCE = 4000, 2000, 64
SAMPLE = 384  # embeddings kept as they are, at most: more would exceed 16 MB

ALBUM = {
    "flickr8k-all": 0.28,  # people, at home and outdoors; one in four with a dog
    "coco-sample": 0.16,  # everyday life: streets, meals, rooms, animals
    "outdoors": 0.10,
    "scenes6": 0.09,
    "actions15": 0.08,
    "rooms4": 0.06,
    "tiny-imagenet": 0.06,  # things
    "sports100": 0.05,
    "weather5": 0.03,
    "flowers5": 0.03,
    "caltech101": 0.03,
    "petimages": 0.03,
}
"""The share of each source."""

See = Callable[[np.ndarray], Vectors]
"""Square pictures, uint8 (B, S, S, 3) -> their embeddings, (B, D)."""
Read = Callable[[list[str]], Vectors]


def album(lessons: Lessons, count: int, random: np.random.Generator) -> np.ndarray:
    """Rows of about so many training pictures, mixed as in an album; sources not there left out."""
    there = {source: share for source, share in ALBUM.items() if source in lessons.rows}
    whole = sum(there.values())
    parts = [
        random.choice(rows, min(len(rows), round(count * share / whole)), replace=False)
        for source, share in there.items()
        for rows in [lessons.rows[source]]
    ]
    return np.sort(np.concatenate(parts))


def measured(see: See, read: Read, lessons: Lessons, pool: TextPool) -> bytes:
    """background.safetensors.

    Its sample, by which tags are measured, is drawn as training draws: a scale for hundreds of
    words needs pictures of every kind, of dogs no fewer than of rooms.
    """
    random = np.random.default_rng(SEED)
    drawn = np.unique(lessons.draw(PICTURES, random))
    rows = album(lessons, PICTURES, random)
    seen = _in_parts(see, lessons.pictures, rows)
    texts = [str(text) for text in random.choice(pool.texts, TEXTS)]
    return background.dump(
        seen,
        read(texts),
        read(list(background.rivals())),
        photos=len(rows),
        sample=_in_parts(see, lessons.pictures, drawn[:: math.ceil(len(drawn) / SAMPLE)]),
    )


def _in_parts(see: See, pictures: np.ndarray, rows: np.ndarray) -> Vectors:
    parts = np.array_split(rows, len(rows) // AT_ONCE)
    return np.concatenate([see(pictures[part]) for part in parts])


def renew(data: Path, folder: Path) -> manifest.Manifest:
    """Measure the background of a pack that is there, by its own towers, and write it."""
    pack = open_pack(folder)

    def see(pictures: np.ndarray) -> Vectors:
        return pack.encode_images(np.stack([pack.preprocessing.apply(one) for one in pictures]))

    written = measured(see, pack.encode_texts, Lessons(data), TextPool(data))
    (folder / "background.safetensors").write_bytes(written)
    return manifest.write(folder, pack.manifest)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True, help="folder written by prepare")
    arguments.add_argument("--pack", type=Path, required=True, help="its folder")
    options = arguments.parse_args()
    print(f"{renew(options.data, options.pack).size:,} bytes in {options.pack}")


if __name__ == "__main__":
    main()

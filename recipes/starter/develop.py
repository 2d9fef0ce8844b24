"""How a checkpoint does on the pictures that are kept to choose by.

    python -m recipes.starter.develop --data DIR --run DIR

One training picture of 50 is never trained on (`lessons.is_development`), near copies of judged
pictures left out. Zero-shot: "a photo of a NAME" among the labels of the picture's own source;
retrieval: one caption of each picture, among all captioned ones. Prints a line a source, and means.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from recipes.starter.concepts import plain
from recipes.starter.lessons import Lessons
from recipes.starter.matches import TextPool
from recipes.starter.plan import CONFIG, SIZE
from torch import Tensor

from albumen.models.clip import CLIP
from albumen.training import towers
from albumen.training.pictures import whole

MOST = 600  # pictures of a source
Reader = Callable[[list[str]], Tensor]
"""Texts -> their embeddings, (N, D)."""


@torch.inference_mode()
def seen(clip: CLIP, lessons: Lessons, rows: np.ndarray, size: int) -> Tensor:
    """The rows' embeddings, (N, D)."""
    parts = np.array_split(rows, len(rows) // 100 + 1)
    return torch.cat([clip.image(whole(lessons.pictures[part], size))[0] for part in parts])


def article(name: str) -> str:
    return ("an " if name[0] in "aeiou" else "a ") + name


@torch.inference_mode()
def zero_shot(lessons: Lessons, rows: np.ndarray, read: Reader, pictures: Tensor) -> float:
    """The share of labelled pictures whose own label's text is the nearest; pictures: (N, D)."""
    labels = [lessons.described[row].label for row in rows]
    names = sorted({d.label for d in lessons.described if d.source == lessons.source[rows[0]]})
    texts = read([f"a photo of {article(plain(name))}" for name in names])
    found = (pictures @ texts.T).argmax(1).tolist()
    return float(np.mean([names[i] == label for i, label in zip(found, labels, strict=True)]))


@torch.inference_mode()
def retrieval(lessons: Lessons, rows: np.ndarray, read: Reader, pictures: Tensor) -> float:
    """R@10: how often a picture is among the ten nearest to its own first caption."""
    captions = [plain(lessons.described[row].captions[0]) for row in rows]
    likeness = read(captions) @ pictures.T
    better = (likeness > likeness.diagonal()[:, None]).sum(1)
    return float((better < 10).float().mean())


def report(data: Path, run: Path, size: int = SIZE) -> dict[str, float]:
    """Zero-shot accuracy of each labelled source, and R@10 of the captioned ones together."""
    lessons, pool = Lessons(data), TextPool(data)
    clip, rows = towers.trained(run, CONFIG), lessons.to_choose_by

    def read(texts: list[str]) -> Tensor:
        return torch.cat(
            [clip.text(pool.tokens(texts[i : i + 200])) for i in range(0, len(texts), 200)]
        )

    figures, captioned = {}, []
    for source in dict.fromkeys(lessons.source[rows]):
        own = rows[lessons.source[rows] == source][:MOST]
        if lessons.described[own[0]].label:
            figures[source] = zero_shot(lessons, own, read, seen(clip, lessons, own, size))
        elif lessons.described[own[0]].captions:
            captioned.append(own)
    own = np.concatenate(captioned)[:MOST]
    figures["retrieval R@10"] = retrieval(lessons, own, read, seen(clip, lessons, own, size))
    return figures


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True, help="folder written by prepare")
    arguments.add_argument("--run", type=Path, required=True, help="folder of the training")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    figures = report(options.data, options.run)
    for name, figure in figures.items():
        print(f"{name:20} {figure:.3f}")
    print(f"{'mean':20} {np.mean(list(figures.values())):.3f}")


if __name__ == "__main__":
    main()

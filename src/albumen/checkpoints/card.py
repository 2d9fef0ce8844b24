"""What one has to know about a checkpoint besides its weights."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

Colours = tuple[float, float, float]


def colours(values: Iterable[Any]) -> Colours:
    """Red, green and blue of a config; ValueError if there are not three numbers."""
    red, green, blue = map(float, values)
    return red, green, blue


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the model's input; the same fields as a pack's.

    `resize`: the short side after resizing, or (height, width) where the picture is squashed.
    `crop`: side of the square cut from the middle, None where nothing is cut. Values are divided by
    255, then `mean` is taken off and the rest divided by `std`.
    """

    resize: int | tuple[int, int]
    crop: int | None
    interpolation: str
    mean: Colours
    std: Colours


@dataclass(frozen=True)
class Published:
    """A score as its authors give it."""

    task: str
    value: float
    source: str


@dataclass(frozen=True)
class Card:
    """`preprocessing` and `licence` are None where neither file nor catalogue says them.

    `format`: whose names the file uses. `revision`: the commit that was loaded, where known.
    """

    name: str
    format: str
    architecture: str
    preprocessing: Preprocessing | None = None
    labels: tuple[str, ...] = ()
    licence: str | None = None
    published: tuple[Published, ...] = ()
    revision: str | None = None


OPENAI_PREPROCESSING = Preprocessing(224, 224, "bicubic", CLIP_MEAN, CLIP_STD)
CIFAR_PREPROCESSING = Preprocessing((32, 32), None, "bicubic", IMAGENET_MEAN, IMAGENET_STD)

"""The names of the classes that published classifiers tell apart, in the order of their logits."""

from functools import cache
from importlib.resources import files

CIFAR10 = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


@cache
def imagenet() -> tuple[str, ...]:
    """ImageNet-1k's 1,000 classes, with WordNet's synonyms: "tabby, tabby cat".

    Two of them are called "crane": the bird (134) and the machine (517).
    """
    text = files(__package__).joinpath("imagenet-1k.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())

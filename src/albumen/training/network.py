"""Where a classifier begins: untrained, from published weights, or from a run of one's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from albumen import checkpoints
from albumen.errors import UsageError
from albumen.models import convnet, resnet, vit
from albumen.training import checkpoint, recipes
from albumen.training.pictures import MEAN, STD, Three

Network = resnet.ResNet | vit.ViT | convnet.ConvNet


@dataclass(frozen=True)
class Beginning:
    """A network in the making: how it is called, how it wants its pictures, and for what classes it
    can be had. `start` is where its weights come from, None for chance.
    """

    model: str
    size: int
    build: Callable[[Sequence[str]], nn.Module]
    mean: Three = MEAN
    std: Three = STD
    start: str | None = None

    def about(self, classes: Sequence[str]) -> dict[str, Any]:
        """What one has to know to use weights of it; `of` makes the same of it again."""
        shared = {"task": "classifier", "model": self.model, "size": self.size}
        return shared | {
            "mean": [*self.mean],
            "std": [*self.std],
            "start": self.start,
            "classes": [*classes],
        }


def begin(model: str, size: int, start: str | None) -> Beginning:
    """The named network, untrained, or the one that `start` holds: a run's folder, or whatever
    `checkpoints.load` takes. Raises `UsageError` and `CheckpointError`.
    """
    if start is None:
        recipes.network(model, 2, size)  # an unknown name is told of before pictures are read
        return Beginning(model, size, lambda classes: recipes.network(model, len(classes), size))
    run = Path(start)
    if (run / checkpoint.BEST).is_file():
        weights, about = checkpoint.read(run / checkpoint.BEST)
        found = of(about)
        source, known = restored(weights, about), about["classes"]
        named, side, mean, std = found.model, found.size, found.mean, found.std
    else:
        source, card = checkpoints.load(start)
        steps, named, known = card.preprocessing, card.architecture, [*card.labels]
        side = size if steps is None else steps.crop or _short(steps.resize)
        mean, std = (MEAN, STD) if steps is None else (steps.mean, steps.std)
    if not isinstance(source, Network):
        raise UsageError(f"{start} is a {named}, and no classifier to go on from")
    if model and model != named:
        raise UsageError(f"{start} holds a {named}, not a {model}; leave out --model or --from")

    def build(classes: Sequence[str]) -> nn.Module:
        if known != [*classes]:
            source.head = nn.Linear(source.head.in_features, len(classes))
        return source.requires_grad_(True)

    return Beginning(named, side, build, mean, std, start)


def of(about: dict[str, Any]) -> Beginning:
    """The beginning that `about` was said of. Raises `UsageError` if it cannot be had any more."""
    try:
        return begin("" if about["start"] else about["model"], about["size"], about["start"])
    except KeyError as error:
        raise UsageError(
            f"these weights are of no classifier: nothing says their {error}"
        ) from None


def restored(weights: checkpoint.Weights, about: dict[str, Any]) -> nn.Module:
    """The network that a run's weights are of, with them."""
    model = of(about).build(about["classes"])
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise UsageError(
            f"the weights are not those of a {about['model']} with {len(about['classes'])} classes"
        ) from error
    return model.eval()


def _short(resize: int | tuple[int, int]) -> int:
    return resize if isinstance(resize, int) else min(resize)

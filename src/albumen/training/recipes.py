"""Recipes: functions that return a config. A command's options replace single values of it.

>>> recipes.classifier("cifar10-resnet20", epochs=2).epochs
2
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from torch import nn

from albumen.errors import UsageError
from albumen.models import convnet, resnet, variants, vit
from albumen.training.classifier import Blending
from albumen.training.loop import LoopConfig
from albumen.training.pictures import Augmentation
from albumen.training.processes import Precision


@dataclass(frozen=True)
class ClassifierConfig:
    """How a classifier is trained.

    `size`: side of the pictures that the network sees. `batch`: pictures a step takes its gradient
    from, of all processes, in `accumulate` parts. `warmup`: share of all steps. `crops`: shares of
    the side of what is kept of a picture (drawn for each batch), `padding`: black pixels around it
    that crops may reach into. `average`: how far back the average of the weights reaches, as its
    decay a step. `test`: share of each class that is judged by and not learned. `compile`: the
    network, which takes minutes before the first step.
    """

    model: str = "convnet"
    size: int = 64
    epochs: int = 20
    batch: int = 128
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.05
    clip: float = 1.0
    accumulate: int = 1
    average: float = 0.99
    smoothing: float = 0.1
    mixup: float = 0.0
    cutmix: float = 0.0
    crops: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7)
    padding: int = 0
    light: float = 0.25
    test: float = 0.1
    seed: int = 0
    precision: Precision | Literal["auto"] = "auto"
    compile: bool = False

    @property
    def stored(self) -> int:
        """The side at which pictures are kept, so that crops have something to leave out."""
        return self.size if self.padding else round(self.size / 0.85)

    @property
    def augmentation(self) -> Augmentation:
        """Crops in pixels."""
        crops = (self.size,) if self.padding else tuple(round(c * self.stored) for c in self.crops)
        return Augmentation(self.size, crops, self.light, self.light, self.padding)

    @property
    def blending(self) -> Blending:
        """Mixup and cutmix."""
        return Blending(self.mixup, self.cutmix)

    def loop(self, of_an_epoch: int, precision: Precision) -> LoopConfig:
        """The loop's config, where an epoch has that many steps."""
        steps = max(1, self.epochs * of_an_epoch)
        return LoopConfig(
            steps=steps,
            learning_rate=self.learning_rate,
            warmup=max(1, round(self.warmup * steps)),
            weight_decay=self.weight_decay,
            average=self.average,
            clip=self.clip,
            log_every=max(1, min(25, steps // 20)),
            checkpoint_every=max(of_an_epoch, steps // 200),
            optimizer=self.optimizer,
            accumulate=self.accumulate,
            precision=precision,
            evaluate_every=max(1, round(self.epochs / 20)) * of_an_epoch,
        )


def small_pictures() -> ClassifierConfig:
    """Thousands of small pictures, from scratch."""
    return ClassifierConfig()


def photos() -> ClassifierConfig:
    """Some thousands of photos, from scratch: a ResNet-18 at 128 pixels."""
    return ClassifierConfig(
        model="resnet18", size=128, epochs=30, batch=64, mixup=0.2, cutmix=1.0, average=0.995
    )


def finetune() -> ClassifierConfig:
    """From published weights: few epochs, a low rate, little else that changes them."""
    return ClassifierConfig(
        model="", size=224, epochs=5, batch=32, learning_rate=5e-5, weight_decay=0.01
    )


def cifar10_convnet() -> ClassifierConfig:
    """Four layers of convolution, as wide as learns CIFAR-10 in minutes."""
    return ClassifierConfig(
        model="convnet-64-128-256-512",
        size=32,
        epochs=14,
        batch=250,
        learning_rate=4e-3,
        warmup=0.2,
        padding=3,
        light=0.1,
        average=0.995,
    )


def cifar10_resnet20() -> ClassifierConfig:
    """He et al.'s smallest (section 4.2), with SGD as there, at one cycle's pace."""
    return ClassifierConfig(
        model="cifar-resnet20",
        size=32,
        epochs=16,
        batch=250,
        optimizer="sgd",
        learning_rate=0.4,
        warmup=0.2,
        weight_decay=5e-4,
        clip=3.0,
        padding=4,
        light=0.1,
        smoothing=0.05,
        average=0.995,
    )


def cifar10_vit() -> ClassifierConfig:
    """A small Vision Transformer: patches of 4 pixels, 6 blocks of width 128."""
    return ClassifierConfig(
        model="vit-32-4-128-6",
        size=32,
        epochs=20,
        batch=125,
        learning_rate=1e-3,
        warmup=0.1,
        padding=3,
        light=0.1,
        average=0.998,
    )


CLASSIFIERS: dict[str, Callable[[], ClassifierConfig]] = {
    "small-pictures": small_pictures,
    "photos": photos,
    "finetune": finetune,
    "cifar10-convnet": cifar10_convnet,
    "cifar10-resnet20": cifar10_resnet20,
    "cifar10-vit": cifar10_vit,
}


def classifier(name: str, **changes: Any) -> ClassifierConfig:
    """The recipe of that name, with some values of another kind. Raises `UsageError`."""
    if name not in CLASSIFIERS:
        raise UsageError(f"there is no recipe '{name}'; there are: {', '.join(CLASSIFIERS)}")
    return changed(CLASSIFIERS[name](), **changes)


def changed(config: ClassifierConfig, **changes: Any) -> ClassifierConfig:
    """The config with those values that are not None. Raises `UsageError` for what cannot be."""
    made = replace(config, **{name: v for name, v in changes.items() if v is not None})
    least = {"size": 8, "epochs": 1, "batch": 2, "accumulate": 1, "learning_rate": 1e-12}
    for name, smallest in least.items():
        if getattr(made, name) < smallest:
            raise UsageError(f"--{name.replace('_', '-')} must be {smallest:g} at least")
    for name in ("warmup", "average", "smoothing", "test"):
        if not 0 <= getattr(made, name) < 1:
            raise UsageError(f"--{name} must be from 0 to below 1")
    if made.batch % made.accumulate:
        raise UsageError(f"a batch of {made.batch} has no {made.accumulate} equal parts")
    return made


_CONVNET = re.compile(r"convnet((?:-\d+)+)")
_VIT = re.compile(r"vit-(\d+)-(\d+)-(\d+)-(\d+)")


def network(name: str, classes: int, size: int) -> nn.Module:
    """An untrained classifier. Raises `UsageError` for an unknown name.

    Besides the published variants ("resnet18", "cifar-resnet20", "vit-s16", "convnet"):
    "convnet-32-64" of those widths, and "vit-SIDE-PATCH-WIDTH-LAYERS".
    """
    if found := _CONVNET.fullmatch(name):
        widths = tuple(map(int, found[1][1:].split("-")))
        return convnet.ConvNet(convnet.ConvNetConfig(widths, classes))
    if found := _VIT.fullmatch(name):
        side, patch, width, layers = map(int, found.groups())
        heads = max(1, width // 64)
        return vit.ViT(vit.ViTConfig(side, patch, width, layers, heads, classes, "mean"))
    try:
        variant = variants.find(name)
    except ValueError as error:
        raise UsageError(f"{error}; or convnet-WIDTH-WIDTH, vit-SIDE-PATCH-WIDTH-LAYERS") from None
    config = variant.config
    if isinstance(config, vit.ViTConfig):
        return vit.ViT(replace(config, size=size, classes=classes))
    if isinstance(config, resnet.ResNetConfig):
        return resnet.ResNet(replace(config, classes=classes))
    if isinstance(config, convnet.ConvNetConfig):
        return convnet.ConvNet(replace(config, classes=classes))
    raise UsageError(f"{name} is no classifier; choose a convnet, a resnet or a vit")


def as_dict(config: ClassifierConfig) -> dict[str, Any]:
    """The config as JSON holds it."""
    return asdict(config)


def from_dict(values: dict[str, Any]) -> ClassifierConfig:
    """The config that `as_dict` wrote; what is not known any more is left out."""
    known = {field.name for field in fields(ClassifierConfig)}
    given = {name: value for name, value in values.items() if name in known}
    return ClassifierConfig(**given | {"crops": tuple(given.get("crops", ()))})

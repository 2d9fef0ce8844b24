"""The named variants of all four families, so that a command can speak of them by name."""

import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from albumen.models import clip, convnet, resnet, vit

# One of each family's configs, and the side of the pictures that it was made for.
_CONVNETS = {"convnet": convnet.SMALL}
_RESNETS = {
    "resnet18": resnet.RESNET18,
    "resnet34": resnet.RESNET34,
    "resnet50": resnet.RESNET50,
    "resnet101": resnet.RESNET101,
    "resnet152": resnet.RESNET152,
}
_VITS = {
    "vit-ti16": vit.VIT_TI16,
    "vit-s16": vit.VIT_S16,
    "vit-b16": vit.VIT_B16,
    "vit-l16": vit.VIT_L16,
    "vit-ti32": vit.VIT_TI32,
    "vit-s32": vit.VIT_S32,
    "vit-b32": vit.VIT_B32,
    "vit-l32": vit.VIT_L32,
}
_CLIPS = {
    "clip-starter": clip.STARTER_CLIP,
    "clip-b32": clip.CLIP_B32,
    "clip-b32-256": clip.CLIP_B32_256,
    "clip-b16": clip.CLIP_B16,
    "clip-l14": clip.CLIP_L14,
    "clip-rn50": clip.CLIP_RN50,
}
STARTER_SIDE = 112
_CIFAR = re.compile(r"cifar-resnet(\d+)")

# How else people write them: ResNet-50, resnet-56, ViT-B/16, vit-b-16, CLIP-ViT-B/32, starter.
_SPELLINGS = (
    (re.compile(r"^starter$"), "clip-starter"),
    (re.compile(r"/"), "-"),
    (re.compile(r"^clip-vit-"), "clip-"),
    (re.compile(r"(?<=[a-z])-(?=\d)"), ""),
    (re.compile(r"^(plain-)?resnet(?!18$|34$|50$|101$|152$)(?=\d+$)"), r"\1cifar-resnet"),
    (re.compile(r"^cifar-plain-"), "plain-cifar-"),
)

NAMES = (*_CONVNETS, *_RESNETS, "cifar-resnet20", *_VITS, *_CLIPS)
"""Every name but those of other depths, "cifar-resnet56", and of twins, "plain-resnet34"."""


Config = convnet.ConvNetConfig | resnet.ResNetConfig | vit.ViTConfig | clip.CLIPConfig


@dataclass(frozen=True)
class Variant:
    """A model that is not built yet, and the inputs that it takes, a batch of one."""

    name: str
    config: Config
    side: int
    context: int | None = None

    def build(self) -> nn.Module:
        """The untrained model."""
        config = self.config
        if isinstance(config, convnet.ConvNetConfig):
            return convnet.ConvNet(config)
        if isinstance(config, vit.ViTConfig):
            return vit.ViT(config)
        if isinstance(config, clip.CLIPConfig):
            return clip.CLIP(config)
        return resnet.ResNet(config)

    def inputs(self) -> tuple[Tensor, ...]:
        """Pixels (1, 3, S, S), and the ids (1, T) of a text where the model reads texts."""
        pixels = torch.zeros(1, 3, self.side, self.side)
        if self.context is None:
            return (pixels,)
        return pixels, torch.zeros(1, self.context, dtype=torch.int64)


def find(name: str) -> Variant:
    """The variant of that name; ValueError, with the names there are, if there is none such.

    Besides `NAMES`: "cifar-resnetN" of any depth N = 6n + 2, and "plain-" before a ResNet's name
    for its twin without shortcuts. "ResNet-50", "ViT-B/16" and "resnet-56" are understood too.
    """
    name = _canonical(name)
    if name in _CONVNETS:
        return Variant(name, _CONVNETS[name], 32)
    if name in _VITS:
        return Variant(name, _VITS[name], _VITS[name].size)
    if name in _CLIPS:
        config = _CLIPS[name]
        side = getattr(config.image, "size", STARTER_SIDE)
        return Variant(name, config, side, config.text.context)
    bare = name.removeprefix("plain-")
    found = _CIFAR.fullmatch(bare)
    if not found and bare not in _RESNETS:
        raise ValueError(f"no model is called {name}; there are {', '.join(NAMES)}")
    residual = resnet.cifar(int(found[1])) if found else _RESNETS[bare]
    chosen = residual if bare == name else resnet.plain(residual)
    return Variant(name, chosen, 32 if found else 224)


def _canonical(name: str) -> str:
    for spelling, ours in _SPELLINGS:
        name = spelling.sub(ours, name.lower())
    return name

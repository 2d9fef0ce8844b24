"""A fingerprint of pictures, by which copies are found: Pizzi et al., "A Self-Supervised Descriptor
for Image Copy Detection" (SSCD), CVPR 2022, on a network of a few layers.

The network is a plain ConvNet; places are averaged by a generalised mean (Radenović, Tolias & Chum,
"Fine-tuning CNN Image Retrieval with No Human Annotation", 2018), which lets the strongest places
count more: with power p, (mean of x^p)^(1/p) is the average for p = 1, the maximum for p = ∞.
Shapes: B pictures, C channels, H × W places, D numbers of a fingerprint.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albumen.models.resnet import ConvNorm


@dataclass(frozen=True)
class FingerprintConfig:
    """Channels of each stage, each of which halves height and width; the fingerprint's length."""

    widths: tuple[int, ...] = (24, 48, 96, 160)
    dim: int = 128
    power: float = 3.0


SMALL = FingerprintConfig()


class GeneralisedMean(nn.Module):
    """(mean of x^p over places)^(1/p), for each channel. (B, C, H, W) -> (B, C)"""

    def __init__(self, power: float) -> None:
        super().__init__()
        self.power = power

    def forward(self, x: Tensor) -> Tensor:
        powers = x.float().clamp_min(1e-4).pow(self.power)
        mean: Tensor = powers.mean((2, 3)).pow(1 / self.power)
        return mean


def stage(inputs: int, outputs: int, layers: int) -> list[nn.Module]:
    """Convolutions of 3×3, the first with stride 2. (B, C_in, H, W) -> (B, C_out, H / 2, W / 2)"""
    parts: list[nn.Module] = []
    for layer in range(layers):
        parts += [ConvNorm(inputs if layer == 0 else outputs, outputs, 3, 2 if layer == 0 else 1)]
        parts += [nn.ReLU(inplace=True)]
    return parts


class Fingerprint(nn.Module):
    """Stages of two layers (the first of one), generalised mean, a linear map, length 1.

    (B, 3, H, W) -> (B, D)
    """

    def __init__(self, config: FingerprintConfig = SMALL) -> None:
        super().__init__()
        first, *rest = config.widths
        parts = [ConvNorm(3, first, 5, 2), nn.ReLU(inplace=True)]
        for inputs, outputs in zip(config.widths, rest, strict=False):
            parts += stage(inputs, outputs, 2)
        self.layers = nn.Sequential(*parts)
        self.mean = GeneralisedMean(config.power)
        self.head = nn.Linear(config.widths[-1], config.dim)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.head(self.mean(self.layers(x))).float(), dim=1)


def shannon_spread(embeds: Tensor, same: Tensor) -> Tensor:
    """The mean log distance of each fingerprint from the nearest that shows another picture.

    The Kozachenko-Leonenko estimator of differential entropy, up to constants (Sablayrolles et al.,
    "Spreading vectors for similarity search", 2019): what SSCD adds so that one threshold serves
    everywhere. embeds: (B, D) of length 1 · same: (B, B) bool, which pairs show one picture.
    """
    products = (embeds @ embeds.T).masked_fill(same, -2.0)
    nearest = products.max(1).values
    return (2 - 2 * nearest).clamp_min(1e-6).sqrt().log().mean()


def copy_loss(embeds: Tensor, same: Tensor, temperature: float) -> Tensor:
    """InfoNCE: how surely each fingerprint picks the other views of its picture among all others.

    embeds: (B, D) of length 1 · same: (B, B) bool, True on the diagonal too.
    """
    itself = torch.eye(len(embeds), dtype=torch.bool, device=embeds.device)
    logits = (embeds @ embeds.T / temperature).masked_fill(itself, -torch.inf)
    log_share = logits - logits.logsumexp(1, keepdim=True)
    views = same & ~itself
    picked = log_share.masked_fill(~views, 0.0).sum(1) / views.sum(1)
    return -picked.mean()

"""Distillation: a small trunk learns to see what a larger classifier sees.

Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015: the teacher's soft
answers say more about a picture than its one label. Added to them, its features (Romero et al.,
"FitNets", 2015), which need no classes at all, and the pictures' own labels.
Shapes: B pictures, C channels of the trunk, K labels.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albumen.models.resnet import Trunk
from albumen.training.loop import decayed_apart
from albumen.training.processes import mean_of_all


@dataclass(frozen=True)
class Lesson:
    """What is known of a batch of pictures.

    pixels (B, 3, H, W) · features (B, 1280) and logits (B, 1000) of the teacher · taught (B,) bool:
    the teacher was asked about this picture · labels (B,) int64, -1 for none · allowed (B, K) bool:
    the labels that the picture's own set knows.
    """

    pixels: Tensor
    features: Tensor
    logits: Tensor
    taught: Tensor
    labels: Tensor
    allowed: Tensor


@dataclass(frozen=True)
class DistillationWeights:
    """How much each teacher counts, and the temperature at which answers are compared."""

    features: float = 4.0
    answers: float = 1.0
    labels: float = 0.5
    temperature: float = 1.0


class Heads(nn.Module):
    """Linear maps from what the trunk sees to what its teachers say; used in training only."""

    def __init__(self, channels: int, features: int, classes: int, labels: int) -> None:
        super().__init__()
        self.features = nn.Linear(channels, features)
        self.answers = nn.Linear(channels, classes)
        self.labels = nn.Linear(channels, labels)


def distillation_loss(
    seen: Tensor, heads: Heads, lesson: Lesson, weights: DistillationWeights
) -> tuple[Tensor, dict[str, float]]:
    """seen: (B, C), the trunk's average over places -> the weighted loss, and its parts."""
    taught, t = lesson.taught, weights.temperature
    likeness = F.cosine_similarity(heads.features(seen).float(), lesson.features)
    features = mean_of_all((1 - likeness)[taught])
    divergence = F.kl_div(
        F.log_softmax(heads.answers(seen).float() / t, 1),
        F.log_softmax(lesson.logits / t, 1),
        reduction="none",
        log_target=True,
    ).sum(1)
    answers = mean_of_all(divergence[taught]) * t**2
    own = heads.labels(seen).float().masked_fill(~lesson.allowed, -torch.inf)
    labelled = lesson.labels >= 0
    wanted = lesson.labels[labelled]
    labels = mean_of_all(F.cross_entropy(own[labelled], wanted, reduction="none"))
    loss = weights.features * features + weights.answers * answers + weights.labels * labels
    right = mean_of_all((own[labelled].argmax(1) == wanted).float())
    parts = {"features": features, "answers": answers, "labels": labels, "right": right}
    return loss, {name: part.item() for name, part in parts.items()}


class Distillation:
    """The task of the first stage: the trunk and its heads."""

    def __init__(self, trunk: Trunk, heads: Heads, weights: DistillationWeights) -> None:
        self.module = nn.ModuleDict({"trunk": trunk, "heads": heads})
        self.trunk, self.heads, self.weights = trunk, heads, weights

    def groups(self) -> list[dict[str, Any]]:
        """Filters decay, scales and biases do not."""
        return decayed_apart(self.module)

    def loss(self, lesson: Lesson) -> tuple[Tensor, dict[str, float]]:
        """The distillation loss of a batch, and its parts."""
        seen = self.trunk(lesson.pixels).mean((2, 3))
        return distillation_loss(seen, self.heads, lesson, self.weights)

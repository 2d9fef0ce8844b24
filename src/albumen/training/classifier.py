"""A classifier: which of some classes does a picture show? Data, loss and judgement for the loop.

Regularisation is of the kind that one picture can't do alone: mixup (Zhang et al., 2018) blends two
pictures and their labels, cutmix (Yun et al., 2019) puts a piece of one into the other, and label
smoothing (Szegedy et al., 2016) keeps some doubt. Shapes: B pictures, K classes.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albumen.training import processes
from albumen.training.loop import decayed_apart
from albumen.training.pictures import Augmentation, augmented, whole

AT_ONCE = 250
"""Pictures that are judged together."""

Pixels = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Blending:
    """Of each kind how even blends are, the parameter of a Beta distribution; 0 for none at all.

    With both kinds a batch has either.
    """

    mixup: float = 0.0
    cutmix: float = 0.0


@dataclass(frozen=True)
class Batch:
    """pixels (B, 3, H, W) · labels, others (B,): each picture's own, and of what is blended in ·
    share: how much of each picture is its own.
    """

    pixels: Tensor
    labels: Tensor
    others: Tensor
    share: float


@dataclass(frozen=True)
class Batches:
    """The batch of any number: an epoch is a shuffled pass over `rows`, rest left out.

    `size` counts the pictures of all processes; each has its share of them.
    """

    pixels: Pixels
    labels: Rows
    rows: Rows
    size: int
    augmentation: Augmentation
    blending: Blending = field(default_factory=Blending)
    seed: int = 0

    @property
    def of_an_epoch(self) -> int:
        """How many batches go over all pictures once."""
        return max(1, len(self.rows) // self.size)

    def __call__(self, number: int) -> Batch:
        """This process's share of batch `number`."""
        epoch, place = divmod(number, self.of_an_epoch)
        order = np.random.default_rng((self.seed, 0, epoch)).permutation(self.rows)
        rows = np.resize(order, max(self.size, len(order)))[place * self.size :][: self.size]
        random, own = np.random.default_rng((self.seed, 1, number)), processes.share(self.size)
        pixels = augmented(self.pixels, rows, self.augmentation, random, own)
        labels = torch.from_numpy(self.labels[rows[own]])
        return blended(pixels, labels, self.blending, random)


def blended(
    pixels: Tensor, labels: Tensor, blending: Blending, random: np.random.Generator
) -> Batch:
    """Each picture blended with its neighbour: the first two with each other, the next two, …

    pixels: (B, 3, H, W), labels: (B,)
    """
    kinds = [kind for kind in ("mixup", "cutmix") if getattr(blending, kind)]
    if not kinds:
        return Batch(pixels, labels, labels, 1.0)
    kind = str(random.choice(kinds))
    evenness = getattr(blending, kind)
    share = float(random.beta(evenness, evenness))
    neighbour = torch.arange(len(labels)) ^ 1
    neighbour.clamp_(max=len(labels) - 1)  # an odd one is left with itself
    others, side = pixels[neighbour], pixels.shape[-1]
    if kind == "mixup":
        pixels = pixels.mul(share).add_(others, alpha=1 - share)
        return Batch(pixels, labels, labels[neighbour], share)
    piece = round(side * (1 - share) ** 0.5)
    top, left = random.integers(0, side - piece + 1, 2)
    place = (..., slice(top, top + piece), slice(left, left + piece))
    pixels = pixels.clone(memory_format=torch.preserve_format)
    pixels[place] = others[place]
    return Batch(pixels, labels, labels[neighbour], 1 - (piece / side) ** 2)


class Classification:
    """The task: cross-entropy, smoothed by `smoothing`, of what is blended in proportion."""

    def __init__(self, network: nn.Module, smoothing: float = 0.0) -> None:
        self.module, self.smoothing = network, smoothing

    def groups(self) -> list[dict[str, Any]]:
        """Filters and matrices decay, scales and biases do not."""
        return decayed_apart(self.module)

    def loss(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        """The loss, and how often the greater part of a picture is what was answered."""
        logits = self.module(batch.pixels).float()
        loss = batch.share * self._entropy(logits, batch.labels)
        if batch.share < 1:
            loss = loss + (1 - batch.share) * self._entropy(logits, batch.others)
        most = batch.labels if batch.share >= 0.5 else batch.others
        return loss, {"right": (logits.argmax(1) == most).float().mean().item()}

    def _entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=self.smoothing)


@torch.inference_mode()
def answers(
    network: nn.Module, pixels: Pixels, rows: Rows, like: Augmentation
) -> npt.NDArray[np.float32]:
    """The logits (len(rows), K) of these pictures, whole and in float32."""
    network.eval()
    device = next(network.parameters()).device
    parts = np.array_split(rows, max(1, len(rows) // AT_ONCE))
    shown = (whole(pixels[part], like.size, like.mean, like.std) for part in parts)
    given: npt.NDArray[np.float32] = torch.cat(
        [network(part.to(device)).float().cpu() for part in shown]
    ).numpy()
    return given


def figures(logits: npt.NDArray[np.float32], labels: Rows) -> dict[str, float]:
    """The share of right answers, and the cross-entropy."""
    right = float((logits.argmax(1) == labels).mean())
    loss = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels)).item()
    return {"right": right, "loss": loss}

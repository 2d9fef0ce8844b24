"""Training the fingerprint: two views of a picture agree, views of different pictures do not.

Pizzi et al., "A Self-Supervised Descriptor for Image Copy Detection", CVPR 2022: InfoNCE among the
views of a batch, and a regulariser that spreads fingerprints evenly over the sphere, so that one
threshold means the same everywhere. No labels are needed: any folder of photos will do.
Shapes: B pictures, two views each, D numbers of a fingerprint.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from albumen.models.fingerprint import Fingerprint, copy_loss, shannon_spread
from albumen.training import processes
from albumen.training.edits import MILD, STRONG, Edits, edited
from albumen.training.loop import channels_last, decayed_apart
from albumen.training.pictures import normalised

PARTS = 8
"""A batch is made in so many parts, each with chances of its own, so that several processes make
together what one makes alone."""


@dataclass(frozen=True)
class CopyDetectionConfig:
    """`size`: the side of what the network sees. `spread`: the weight of the regulariser."""

    size: int = 80
    batch: int = 160
    temperature: float = 0.07
    spread: float = 5.0


class CopyDetection:
    """The task: `loss` takes views (2B, 3, S, S), view i and view B + i of one picture.

    Of several processes each has its own pictures, and every view is compared with those of all.
    """

    def __init__(self, network: Fingerprint, config: CopyDetectionConfig) -> None:
        self.module: nn.Module = channels_last(network)
        self.config = config

    def groups(self) -> list[dict[str, Any]]:
        """Filters decay, scales and biases do not."""
        return decayed_apart(self.module)

    def loss(self, batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        """How unsure the fingerprints are of their pictures, and how uneven their spread."""
        own = self.module(batch).float()
        views = processes.gathered(own).view(processes.world(), 2, -1, own.shape[-1])
        embeds = views.transpose(0, 1).flatten(0, 2)  # the first views of all, then the second
        picture = torch.arange(len(embeds), device=embeds.device) % (len(embeds) // 2)
        same = picture[:, None] == picture[None]
        with torch.autocast(batch.device.type, enabled=False):  # bfloat16 has 8 bits of a product
            copies = copy_loss(embeds, same, self.config.temperature)
            spread = shannon_spread(embeds, same)
            figures = _figures(embeds, copies, spread)
        return copies - self.config.spread * spread, figures


def _figures(embeds: Tensor, copies: Tensor, spread: Tensor) -> dict[str, float]:
    with torch.no_grad():
        first, second = embeds.chunk(2)
        products = first @ second.T
        own = products.diagonal()
        right = (products.argmax(1) == torch.arange(len(first), device=products.device)).float()
    return {
        "copies": copies.item(),
        "spread": spread.item(),
        "own": own.mean().item(),
        "right": right.mean().item(),
    }


@dataclass(frozen=True)
class Views:
    """The batch of any step: rows drawn from `pictures`, uint8 (N, S, S, 3), two views of each.

    `rows`: which pictures are trained on, in the order in which they lie. Half of a batch are
    neighbours, since pictures of one event or class, which lie together, are the hardest to tell
    apart; `window` says how near.
    """

    pictures: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]
    config: CopyDetectionConfig
    strong: Edits = STRONG
    mild: Edits = MILD
    window: int = 1500
    seed: int = 0

    def __call__(self, step: int) -> Tensor:
        """This process's normalised views (2B, 3, size, size); they depend on nothing but the step.

        Parts are of every eighth picture: neighbours, which are alike, are in different ones.
        """
        rows = self._drawn(np.random.default_rng((self.seed, step)))
        made = [
            self._views(rows[part::PARTS], np.random.default_rng((self.seed, step, part)))
            for part in range(*processes.share(PARTS).indices(PARTS))
            if part < len(rows)
        ]
        views = torch.cat([torch.cat(several) for several in zip(*made, strict=True)])
        return normalised(views).contiguous(memory_format=torch.channels_last)

    def _views(self, rows: npt.NDArray[np.int64], random: np.random.Generator) -> list[Tensor]:
        """The first view of each row, and the second."""
        batch, size = self.pictures[rows], self.config.size
        return [edited(batch, size, edits, random) for edits in (self.mild, self.strong)]

    def _drawn(self, random: np.random.Generator) -> npt.NDArray[np.int64]:
        """The rows of one batch, sorted, so that they are read from the disk in order."""
        first = int(random.integers(max(1, len(self.rows) - self.window)))
        near = self.rows[first : first + self.window]
        half = random.choice(near, min(self.config.batch // 2, len(near)), replace=False)
        others = np.setdiff1d(self.rows, half)
        rest = random.choice(others, self.config.batch - len(half), replace=False)
        return np.sort(np.concatenate([half, rest]))

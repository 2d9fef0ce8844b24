"""CLIP, two towers that end in one space.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021:
training pulls a picture and its own text together, and pushes it from the batch's other texts.
Shapes: B pictures or texts, T tokens, D width of the shared space, P places of the picture.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albumen.models.layers import Transformer, TransformerConfig
from albumen.models.resnet import STARTER, ResNetConfig, Trunk

MAX_SCALE = 100.0
"""The paper's bound on the learned scale (the inverse of the temperature), for stability."""


@dataclass(frozen=True)
class TextConfig:
    """The text tower: a causal Transformer over at most `context` tokens."""

    vocabulary: int
    context: int
    width: int
    layers: int
    heads: int
    end_id: int


@dataclass(frozen=True)
class CLIPConfig:
    """Both towers and the width of the space that they share."""

    dim: int
    image: ResNetConfig
    text: TextConfig


STARTER_CLIP = CLIPConfig(
    dim=256,
    image=STARTER,
    text=TextConfig(vocabulary=8192, context=32, width=256, layers=3, heads=4, end_id=2),
)


class AveragedImageTower(nn.Module):
    """A picture's embedding as the exact average of what its places contribute.

    A linear map and an average may be exchanged, so projecting each place and then averaging gives
    what averaging and then projecting gives, and says besides which place brought how much.
    pixels: (B, 3, H, W) -> embeds (B, D), of length 1, and local_embeds (B, P, D), whose mean over
    places is `embeds` itself; P runs row by row.
    """

    def __init__(self, trunk: Trunk, dim: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.projection = nn.Linear(trunk.channels, dim)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        return self.embed(self.trunk(pixels))

    def embed(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """features: (B, C, h, w), what the trunk gives -> embeds (B, D), local_embeds (B, P, D)."""
        local = self.projection(features.flatten(2).transpose(1, 2)).float()
        length = local.mean(1, keepdim=True).norm(dim=-1, keepdim=True)
        local = local / length.clamp_min(1e-6)
        return local.mean(1), local


class TextTower(nn.Module):
    """ids: (B, T) int64 -> embeds (B, D), of length 1.

    The text's state is read at its first end token. The mask is causal, so nothing after that token
    is seen, whatever it is: padding needs no mask of its own. Raises ValueError if T > context.
    """

    def __init__(self, config: TextConfig, dim: int) -> None:
        super().__init__()
        self.context, self.end_id = config.context, config.end_id
        self.tokens = nn.Embedding(config.vocabulary, config.width)
        self.positions = nn.Parameter(torch.empty(config.context, config.width))
        blocks = TransformerConfig(config.width, config.layers, config.heads, causal=True)
        self.blocks = Transformer(blocks)
        self.norm = nn.LayerNorm(config.width)
        self.projection = nn.Linear(config.width, dim, bias=False)
        nn.init.normal_(self.tokens.weight, std=0.02)
        nn.init.normal_(self.positions, std=0.01)

    def forward(self, ids: Tensor) -> Tensor:
        states = self.norm(self.states(ids))
        end = (ids == self.end_id).to(torch.int64).argmax(1)  # the first of equal maxima
        at_end = states.gather(1, end[:, None, None].expand(-1, 1, states.shape[-1])).squeeze(1)
        return F.normalize(self.projection(at_end).float(), dim=-1)

    def states(self, ids: Tensor) -> Tensor:
        """ids: (B, T) -> the last block's states (B, T, width)."""
        if ids.shape[1] > self.context:
            raise ValueError(f"a text of {ids.shape[1]} tokens, where {self.context} are the most")
        x: Tensor = self.blocks(self.tokens(ids) + self.positions[: ids.shape[1]])
        return x


class CLIP(nn.Module):
    """Both towers and the learned temperature.

    pixels (B, 3, H, W), ids (B, T) -> logits (B, B): row i compares picture i with every text.
    """

    def __init__(self, config: CLIPConfig = STARTER_CLIP) -> None:
        super().__init__()
        self.image = AveragedImageTower(Trunk(config.image), config.dim)
        self.text = TextTower(config.text, config.dim)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    @property
    def scale(self) -> Tensor:
        """What similarities are multiplied by: the inverse of the temperature, at most 100."""
        return self.log_scale.exp().clamp(max=MAX_SCALE)

    def forward(self, pixels: Tensor, ids: Tensor) -> Tensor:
        embeds, _ = self.image(pixels)
        logits: Tensor = self.scale * embeds @ self.text(ids).T
        return logits


def contrastive_loss(logits: Tensor, positives: Tensor | None = None) -> Tensor:
    """The mean of picture-to-text and text-to-picture cross-entropy.

    logits: (N, N), picture i against text j. positives: (N, N), where not 0 text j is right for
    picture i too, as when two pictures of a batch have the same caption; a row's target is spread
    over its positives in proportion to their weights. Without it only the diagonal is right.
    """
    if positives is None:
        target = torch.arange(len(logits), device=logits.device)
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    weights = positives.to(logits.dtype)
    to_text = F.cross_entropy(logits, weights / weights.sum(1, keepdim=True))
    to_picture = F.cross_entropy(logits.T, weights.T / weights.T.sum(1, keepdim=True))
    return (to_text + to_picture) / 2

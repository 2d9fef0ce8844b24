"""CLIP, two towers that end in one space.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021:
training pulls a picture and its own text together, and pushes it from the batch's other texts.
Shapes: B pictures or texts, T tokens, D width of the shared space, P places of the picture.
"""

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albumen.models import modified_resnet, resnet, vit
from albumen.models.layers import Activation, Transformer, TransformerConfig
from albumen.models.modified_resnet import AttentionPool, ModifiedResNetConfig
from albumen.models.resnet import STARTER, ResNetConfig
from albumen.models.vit import ViTConfig

MAX_SCALE = 100.0
"""The paper's bound on the learned scale (the inverse of the temperature), for stability."""

ImageConfig = ResNetConfig | ViTConfig | ModifiedResNetConfig


@dataclass(frozen=True)
class TextConfig:
    """The text tower: a causal Transformer over at most `context` tokens."""

    vocabulary: int
    context: int
    width: int
    layers: int
    heads: int
    end_id: int
    mlp_ratio: int = 4
    activation: Activation = "gelu"
    norm_eps: float = 1e-5


@dataclass(frozen=True)
class CLIPConfig:
    """Both towers and the width of the space that they share.

    `max_scale` bounds the scale while training. Published weights are used as they are: rounding
    took OpenAI's to 100.003, and their own code multiplies by that.
    """

    dim: int
    image: ImageConfig
    text: TextConfig
    max_scale: float = MAX_SCALE


STARTER_CLIP = CLIPConfig(
    dim=256,
    image=STARTER,
    text=TextConfig(vocabulary=8192, context=32, width=256, layers=3, heads=4, end_id=2),
)

# The published variants, as OpenAI trained them. Those of LAION and DataComp have GELU instead:
# `with_activation(CLIP_B32, "gelu")`.
OPENAI_TEXT = TextConfig(
    vocabulary=49408,
    context=77,
    width=512,
    layers=12,
    heads=8,
    end_id=49407,
    activation="quick_gelu",
)
OPENAI_VIT_B32 = ViTConfig(
    patch=32, activation="quick_gelu", norm_eps=1e-5, patch_bias=False, norm_embedded=True
)
CLIP_B32 = CLIPConfig(512, OPENAI_VIT_B32, OPENAI_TEXT, math.inf)
CLIP_B32_256 = replace(CLIP_B32, image=replace(OPENAI_VIT_B32, size=256))
CLIP_B16 = replace(CLIP_B32, image=replace(OPENAI_VIT_B32, patch=16))
CLIP_L14 = CLIPConfig(
    768,
    replace(OPENAI_VIT_B32, patch=14, width=1024, layers=24, heads=16),
    replace(OPENAI_TEXT, width=768, heads=12),
    math.inf,
)
CLIP_RN50 = CLIPConfig(1024, ModifiedResNetConfig(), OPENAI_TEXT, math.inf)


def with_activation(config: CLIPConfig, activation: Activation) -> CLIPConfig:
    """The same towers with the other activation, which changes no weight's shape."""
    image = config.image
    if isinstance(image, ViTConfig):
        image = replace(image, activation=activation)
    return replace(config, image=image, text=replace(config.text, activation=activation))


def unit(x: Tensor) -> Tensor:
    """x: (..., D) -> the same direction with length 1, computed in float32 at least."""
    return F.normalize(at_least_float32(x), dim=-1)


def at_least_float32(x: Tensor) -> Tensor:
    """bfloat16's 8 bits are too few for lengths and similarities; float64 is kept for checking."""
    return x if x.dtype == torch.float64 else x.float()


class ImageTower(nn.Module):
    """What every image tower is: a trunk that sees, and a projection into the shared space.

    pixels: (B, 3, H, W) -> embeds (B, D), of length 1, and local_embeds (B, P, D) where the tower
    embeds by averaging places, otherwise None.
    """

    def __init__(self, trunk: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.trunk, self.projection = trunk, projection

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.embed(self.trunk(pixels))

    def embed(self, features: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the trunk gives -> embeds (B, D), local_embeds (B, P, D) or None."""
        raise NotImplementedError


class AveragedImageTower(ImageTower):
    """A picture's embedding as the exact average of what its places contribute.

    A linear map and an average may be exchanged, so projecting each place and then averaging gives
    what averaging and then projecting gives, and says besides which place brought how much.
    local_embeds: (B, P, D), whose mean over places is `embeds` itself; P runs row by row.
    """

    def __init__(self, trunk: resnet.Trunk, dim: int) -> None:
        super().__init__(trunk, nn.Linear(trunk.channels, dim))

    def embed(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """features: (B, C, h, w), what the trunk gives -> embeds (B, D), local_embeds (B, P, D)."""
        local = at_least_float32(self.projection(features.flatten(2).transpose(1, 2)))
        length = local.mean(1, keepdim=True).norm(dim=-1, keepdim=True)
        local = local / length.clamp_min(1e-6)
        return local.mean(1), local


class ViTImageTower(ImageTower):
    """A Vision Transformer; the class token is projected, so places have no share that adds up."""

    def __init__(self, config: ViTConfig, dim: int) -> None:
        trunk = vit.Trunk(config)
        super().__init__(trunk, nn.Linear(config.width, dim, bias=False))
        self.trunk: vit.Trunk = trunk

    def forward(self, pixels: Tensor) -> tuple[Tensor, None]:
        return unit(self.projection(self.trunk.summary(pixels))), None

    def embed(self, features: Tensor) -> tuple[Tensor, None]:
        """features: (B, T, width), class token first -> embeds (B, D)."""
        return unit(self.projection(features[:, 0])), None


class ResNetImageTower(ImageTower):
    """OpenAI's modified ResNet; attention pooling projects too."""

    def __init__(self, config: ModifiedResNetConfig, dim: int) -> None:
        trunk = modified_resnet.Trunk(config)
        places = (config.size // trunk.stride) ** 2
        super().__init__(trunk, AttentionPool(places, trunk.channels, config.heads, dim))

    def embed(self, features: Tensor) -> tuple[Tensor, None]:
        """features: (B, C, h, w) -> embeds (B, D)."""
        return unit(self.projection(features)), None


def image_tower(config: ImageConfig, dim: int) -> ImageTower:
    """The tower that a config describes."""
    if isinstance(config, ViTConfig):
        return ViTImageTower(config, dim)
    if isinstance(config, ModifiedResNetConfig):
        return ResNetImageTower(config, dim)
    return AveragedImageTower(resnet.Trunk(config), dim)


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
        blocks = TransformerConfig(
            config.width,
            config.layers,
            config.heads,
            mlp_ratio=config.mlp_ratio,
            activation=config.activation,
            causal=True,
            norm_eps=config.norm_eps,
        )
        self.blocks = Transformer(blocks)
        self.norm = nn.LayerNorm(config.width, config.norm_eps)
        self.projection = nn.Linear(config.width, dim, bias=False)
        nn.init.normal_(self.tokens.weight, std=0.02)
        nn.init.normal_(self.positions, std=0.01)

    def forward(self, ids: Tensor) -> Tensor:
        states = self.norm(self.states(ids))
        end = (ids == self.end_id).to(torch.int64).argmax(1)  # the first of equal maxima
        at_end = states.gather(1, end[:, None, None].expand(-1, 1, states.shape[-1])).squeeze(1)
        return unit(self.projection(at_end))

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
        self.image = image_tower(config.image, config.dim)
        self.text = TextTower(config.text, config.dim)
        self.max_scale = config.max_scale
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    @property
    def scale(self) -> Tensor:
        """What similarities are multiplied by: the inverse of the temperature, within its bound."""
        return self.log_scale.exp().clamp(max=self.max_scale)

    def forward(self, pixels: Tensor, ids: Tensor) -> Tensor:
        embeds, _ = self.image(pixels)
        logits: Tensor = self.scale * embeds @ self.text(ids).T
        return logits


def contrastive_loss(logits: Tensor, positives: Tensor | None = None) -> Tensor:
    """The mean of picture-to-text and text-to-picture cross-entropy.

    logits: (N, M), picture i against text j. positives: (N, M), where not 0 text j is right for
    picture i too, as when two pictures of a batch have the same caption; a row's target is spread
    over its positives in proportion to their weights. A text that is right for no picture counts
    only as one that pictures must not be taken for. Without positives, N = M and only the diagonal
    is right.
    """
    if positives is None:
        target = torch.arange(len(logits), device=logits.device)
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    weights = positives.to(logits.dtype)
    to_text = F.cross_entropy(logits, weights / weights.sum(1, keepdim=True))
    meant = weights.sum(0) > 0
    shares = weights[:, meant] / weights[:, meant].sum(0)
    to_picture = F.cross_entropy(logits[:, meant].T, shares.T)
    return (to_text + to_picture) / 2

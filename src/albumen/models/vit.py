"""Vision Transformer: Dosovitskiy et al., "An Image Is Worth 16x16 Words", ICLR 2021.

A picture is cut into patches, each patch is a token, and the encoder is the one that reads text.
Shapes: B pictures, P × P pixels a patch, N patches (row by row), T tokens (N, and 1 where there is
a class token), D width, G heads.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albumen.models.layers import Activation, Block, Transformer, TransformerConfig


@dataclass(frozen=True)
class ViTConfig:
    """The paper's table 1, and how a picture is summed up: by the class token, or by the mean of
    all patches (without a class token; appendix D.3).

    CLIP's image tower is the same trunk without the patches' bias, with one normalisation more.
    """

    size: int = 224
    patch: int = 16
    width: int = 768
    layers: int = 12
    heads: int = 12
    classes: int = 1000
    pool: Literal["class_token", "mean"] = "class_token"
    mlp_ratio: int = 4
    activation: Activation = "gelu"
    norm_eps: float = 1e-6
    patch_bias: bool = True
    norm_embedded: bool = False


VIT_TI16 = ViTConfig(width=192, heads=3)
VIT_S16 = ViTConfig(width=384, heads=6)
VIT_B16 = ViTConfig()
VIT_L16 = ViTConfig(width=1024, layers=24, heads=16)
VIT_TI32 = ViTConfig(patch=32, width=192, heads=3)
VIT_S32 = ViTConfig(patch=32, width=384, heads=6)
VIT_B32 = ViTConfig(patch=32)
VIT_L32 = ViTConfig(patch=32, width=1024, layers=24, heads=16)


class PatchEmbedding(nn.Module):
    """Each patch, flattened and projected: pixels (B, 3, H, W) -> (B, N, D).

    A convolution whose kernel and stride are the patch does exactly this, and fast. Raises
    ValueError if the patches do not cover the picture exactly.
    """

    def __init__(self, patch: int, width: int, bias: bool = True) -> None:
        super().__init__()
        self.patch = patch
        self.projection = nn.Conv2d(3, width, kernel_size=patch, stride=patch, bias=bias)

    def forward(self, pixels: Tensor) -> Tensor:
        height, width = pixels.shape[-2:]
        if height % self.patch or width % self.patch:
            raise ValueError(
                f"a picture of {height}×{width} pixels cannot be cut into patches of {self.patch}"
            )
        patches: Tensor = self.projection(pixels)  # (B, D, H / P, W / P)
        return patches.flatten(2).transpose(1, 2)


def resize_positions(positions: Tensor, grid: tuple[int, int]) -> Tensor:
    """Learned positions of a square of patches, (N, D), for another grid of patches, (h · w, D).

    Bicubic interpolation in two dimensions (section 3.2); the same grid needs none.
    """
    side = math.isqrt(len(positions))
    if grid == (side, side):
        return positions
    square = positions.T.reshape(1, -1, side, side)
    resized = F.interpolate(square, grid, mode="bicubic", align_corners=False)  # (1, D, h, w)
    return resized[0].flatten(1).T


class Trunk(nn.Module):
    """Everything before the head: pixels (B, 3, H, W) -> normalised tokens (B, T, D).

    The class token is the first. H and W may differ from the configured size: positions follow.
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        patches = (config.size // config.patch) ** 2
        tokens = patches + (config.pool == "class_token")
        self.patches = PatchEmbedding(config.patch, config.width, config.patch_bias)
        self.class_token: nn.Parameter | None = None
        if config.pool == "class_token":
            self.class_token = nn.Parameter(torch.zeros(config.width))
        self.positions = nn.Parameter(torch.empty(tokens, config.width))
        eps = config.norm_eps
        norm_embedded = config.norm_embedded
        self.norm_embedded = nn.LayerNorm(config.width, eps) if norm_embedded else nn.Identity()
        self.blocks = Transformer(
            TransformerConfig(
                config.width,
                config.layers,
                config.heads,
                mlp_ratio=config.mlp_ratio,
                activation=config.activation,
                norm_eps=eps,
            )
        )
        self.norm = nn.LayerNorm(config.width, eps)
        nn.init.trunc_normal_(self.positions, std=0.02)

    def forward(self, pixels: Tensor) -> Tensor:
        tokens: Tensor = self.norm(self.blocks(self.embed(pixels)))
        return tokens

    def summary(self, pixels: Tensor) -> Tensor:
        """The class token, or the mean of all patches: pixels (B, 3, H, W) -> (B, D)."""
        if self.class_token is None:
            return self.forward(pixels).mean(1)
        first: Tensor = self.norm(self.blocks(self.embed(pixels), first=1))
        return first[:, 0]

    def embed(self, pixels: Tensor) -> Tensor:
        """pixels: (B, 3, H, W) -> the first block's input (B, T, D)."""
        tokens = self.patches(pixels)
        grid = (pixels.shape[-2] // self.patches.patch, pixels.shape[-1] // self.patches.patch)
        if self.class_token is None:
            tokens = tokens + resize_positions(self.positions, grid)
        else:
            positions = torch.cat([self.positions[:1], resize_positions(self.positions[1:], grid)])
            first = self.class_token.expand(tokens.shape[0], 1, -1)
            tokens = torch.cat([first, tokens], dim=1) + positions
        embedded: Tensor = self.norm_embedded(tokens)
        return embedded

    def observe(self, pixels: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """What is asked for by name, of one pass over `pixels`.

        "embedded", "blocks.I" (after block I, from 0) and "tokens" (normalised): (B, T, D);
        "attention.I": (B, G, T, T), how much the token of a row takes from that of each column.
        Raises KeyError for a name that there is not.
        """
        x = self.embed(pixels)
        seen = {"embedded": x}
        for i, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            if f"attention.{i}" in names:
                seen[f"attention.{i}"] = block.attention.weights(block.norm1(x))
            x = block(x)
            seen[f"blocks.{i}"] = x
        seen["tokens"] = self.norm(x)
        return {name: seen[name] for name in names}


class ViT(nn.Module):
    """The classifier: trunk, class token or mean of the patches, linear head.

    pixels: (B, 3, H, W) -> logits (B, classes)
    """

    def __init__(self, config: ViTConfig = VIT_B16) -> None:
        super().__init__()
        self.trunk = Trunk(config)
        self.head = nn.Linear(config.width, config.classes)

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.head(self.trunk.summary(pixels))
        return logits

    def observe(self, pixels: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """Intermediate tokens and attention maps, by the names of `Trunk.observe`."""
        return self.trunk.observe(pixels, names)

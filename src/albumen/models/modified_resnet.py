"""The ResNet of OpenAI's CLIP: Radford et al., 2021, section 2.4.

Three changes to ResNet: a stem of three 3×3 convolutions; averages before each stride, so that no
place is skipped (Zhang, "Making Convolutional Networks Shift-Invariant Again", 2019); and, instead
of the average at the end, attention of one query, that average itself, to all places.
Shapes: B pictures, C channels, H × W places, D width of the embedding.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albumen.models.resnet import ConvNorm


@dataclass(frozen=True)
class ModifiedResNetConfig:
    """`width` channels after the stem; the last stage has 32 times as many."""

    size: int = 224
    depths: tuple[int, ...] = (3, 4, 6, 3)
    width: int = 64
    heads: int = 32


class Bottleneck(nn.Module):
    """ResNet's bottleneck with averages instead of strides.

    x: (B, C_in, H, W) -> (B, 4 · width, H / stride, W / stride)
    """

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int = 1) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.residual = nn.Sequential(
            ConvNorm(inputs, width, 1),
            nn.ReLU(inplace=True),
            ConvNorm(width, width, 3),
            nn.ReLU(inplace=True),
            nn.AvgPool2d(stride),
            ConvNorm(width, outputs, 1),
        )
        same = stride == 1 and inputs == outputs
        averaged = nn.Sequential(nn.AvgPool2d(stride), ConvNorm(inputs, outputs, 1))
        self.shortcut = nn.Identity() if same else averaged

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.residual(x) + self.shortcut(x))


class AttentionPool(nn.Module):
    """One query, the average of all places, attends to itself and to every place.

    features: (B, C, h, w) -> (B, D)
    """

    def __init__(self, places: int, channels: int, heads: int, dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.positions = nn.Parameter(torch.randn(places + 1, channels) / channels**0.5)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, dim)

    def forward(self, features: Tensor) -> Tensor:
        places = features.flatten(2).transpose(1, 2)  # (B, h·w, C)
        tokens = torch.cat([places.mean(1, keepdim=True), places], dim=1) + self.positions
        # (B, T, 3C) -> three of (B, heads, T, C / heads)
        qkv = self.qkv(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        x = F.scaled_dot_product_attention(q[:, :, :1], k, v)  # (B, heads, 1, C / heads)
        pooled: Tensor = self.out(x.flatten(1))
        return pooled


class Trunk(nn.Module):
    """Stem and stages: pixels (B, 3, H, W) -> (B, C, H / 32, W / 32), after four stages."""

    def __init__(self, config: ModifiedResNetConfig) -> None:
        super().__init__()
        width = config.width
        self.stem = nn.Sequential(
            ConvNorm(3, width // 2, 3, 2),
            nn.ReLU(inplace=True),
            ConvNorm(width // 2, width // 2, 3),
            nn.ReLU(inplace=True),
            ConvNorm(width // 2, width, 3),
            nn.ReLU(inplace=True),
            nn.AvgPool2d(2),
        )
        self.stages, inputs = nn.Sequential(), width
        for i, depth in enumerate(config.depths):
            stage = nn.Sequential()
            for j in range(depth):
                stage.append(Bottleneck(inputs, width * 2**i, 2 if i > 0 and j == 0 else 1))
                inputs = width * 2**i * Bottleneck.expansion
            self.stages.append(stage)
        self.channels = inputs
        self.stride = 4 * 2 ** (len(config.depths) - 1)

    def forward(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.stages(self.stem(pixels))
        return features

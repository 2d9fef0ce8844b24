"""ResNet: He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

Instead of a function H(x), each block learns the residual F(x) = H(x) - x, and gives F(x) + x: what
is hard to learn for a deep plain network, to pass its input on, is what a block does when F is 0.
Shapes: B pictures, C channels, H × W places.
"""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class ResNetConfig:
    """Blocks and channels of each stage; every stage after the first halves height and width."""

    depths: tuple[int, ...] = (2, 2, 2, 2)
    widths: tuple[int, ...] = (64, 128, 256, 512)
    block: Literal["basic", "bottleneck"] = "basic"
    classes: int = 1000


RESNET18 = ResNetConfig()
RESNET34 = ResNetConfig(depths=(3, 4, 6, 3))
RESNET50 = ResNetConfig(depths=(3, 4, 6, 3), block="bottleneck")
RESNET101 = ResNetConfig(depths=(3, 4, 23, 3), block="bottleneck")
RESNET152 = ResNetConfig(depths=(3, 8, 36, 3), block="bottleneck")
STARTER = ResNetConfig(widths=(32, 64, 128, 256))
"""Half of ResNet-18's width, a quarter of its work: the image tower of the starter."""


class ConvNorm(nn.Sequential):
    """A convolution without bias, its size kept at stride 1, and its batch normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        )


class Residual(nn.Module):
    """relu(F(x) + shortcut(x)). x: (B, C_in, H, W) -> (B, C_out, H / stride, W / stride)

    The shortcut is the identity wherever the shape allows, otherwise a 1×1 projection (option B).
    """

    def __init__(self, residual: nn.Module, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = residual
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else ConvNorm(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.residual(x) + self.shortcut(x))


class BasicBlock(Residual):
    """F is two 3×3 convolutions (figure 5, left)."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int = 1) -> None:
        residual = nn.Sequential(
            ConvNorm(inputs, width, 3, stride),
            nn.ReLU(inplace=True),
            ConvNorm(width, width, 3),
        )
        super().__init__(residual, inputs, width, stride)


class Bottleneck(Residual):
    """F narrows, filters, widens: 1×1, 3×3, 1×1 (figure 5, right).

    The 3×3 convolution has the stride, as in the weights that everyone publishes; the paper gives
    it to the first 1×1.
    """

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int = 1) -> None:
        outputs = width * self.expansion
        residual = nn.Sequential(
            ConvNorm(inputs, width, 1),
            nn.ReLU(inplace=True),
            ConvNorm(width, width, 3, stride),
            nn.ReLU(inplace=True),
            ConvNorm(width, outputs, 1),
        )
        super().__init__(residual, inputs, outputs, stride)


class Trunk(nn.Sequential):
    """Stem and stages: everything before pooling. x: (B, 3, H, W) -> (B, C, H / 32, W / 32)

    The stem is a 7×7 convolution and a max pooling that halve the picture twice.
    """

    def __init__(self, config: ResNetConfig) -> None:
        block = BasicBlock if config.block == "basic" else Bottleneck
        inputs = config.widths[0]
        stem = nn.Sequential(
            ConvNorm(3, inputs, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, padding=1)
        )
        stages = nn.Sequential()
        for i, (depth, width) in enumerate(zip(config.depths, config.widths, strict=True)):
            stage = nn.Sequential()
            for j in range(depth):
                stage.append(block(inputs, width, stride=2 if i > 0 and j == 0 else 1))
                inputs = width * block.expansion
            stages.append(stage)
        super().__init__(stem, stages)
        self.channels = inputs
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al., "Delving Deep into Rectifiers", 2015
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class ResNet(nn.Module):
    """The classifier: trunk, average over all places, linear head. (B, 3, H, W) -> (B, classes)"""

    def __init__(self, config: ResNetConfig = RESNET18) -> None:
        super().__init__()
        self.trunk = Trunk(config)
        self.head = nn.Linear(self.trunk.channels, config.classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.trunk(x).mean((2, 3)))
        return logits

"""ResNet: He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

Instead of a function H(x), each block learns the residual F(x) = H(x) - x, and gives F(x) + x: what
is hard to learn for a deep plain network, to pass its input on, is what a block does when F is 0.
(Exactly: the block ends in a ReLU, so it then gives relu(x), which is x from the second block on.)
Shapes: B pictures, C channels, H × W places.
"""

from dataclasses import dataclass, replace
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Shortcut = Literal["projection", "padding", "none"]
"""What is added to F(x) where a block changes the shape: a 1×1 projection (the paper's option B) or
the input with channels of zeros added (option A); "none" adds nothing, anywhere: a plain network.
"""


@dataclass(frozen=True)
class ResNetConfig:
    """Blocks and channels of each stage; every stage after the first halves height and width.

    `zero_init` starts each block with F = 0, which makes very deep networks easier to train (Goyal
    et al., "Accurate, Large Minibatch SGD", 2017).
    """

    depths: tuple[int, ...] = (2, 2, 2, 2)
    widths: tuple[int, ...] = (64, 128, 256, 512)
    block: Literal["basic", "bottleneck"] = "basic"
    classes: int = 1000
    stem: Literal["imagenet", "cifar"] = "imagenet"
    shortcut: Shortcut = "projection"
    zero_init: bool = False


RESNET18 = ResNetConfig()
RESNET34 = ResNetConfig(depths=(3, 4, 6, 3))
RESNET50 = ResNetConfig(depths=(3, 4, 6, 3), block="bottleneck")
RESNET101 = ResNetConfig(depths=(3, 4, 23, 3), block="bottleneck")
RESNET152 = ResNetConfig(depths=(3, 8, 36, 3), block="bottleneck")
STARTER = ResNetConfig(widths=(32, 64, 128, 256))
"""Half of ResNet-18's width, a quarter of its work: the image tower of the starter."""


def cifar(layers: int, classes: int = 10) -> ResNetConfig:
    """The paper's network for 32×32 pictures (section 4.2): 6n + 2 layers, option A shortcuts.

    The paper trains 20, 32, 44, 56, 110 and 1202 layers. Raises ValueError for a depth not 6n + 2.
    """
    n, rest = divmod(layers - 2, 6)
    if rest or n < 1:
        raise ValueError(f"a CIFAR ResNet has 6n + 2 layers (8, 14, 20, ...), not {layers}")
    return ResNetConfig((n, n, n), (16, 32, 64), "basic", classes, "cifar", "padding")


def plain(config: ResNetConfig) -> ResNetConfig:
    """The plain twin: the same layers without a shortcut, which the paper compares with."""
    return replace(config, shortcut="none", zero_init=False)


class ConvNorm(nn.Sequential):
    """A convolution without bias, its size kept at stride 1, and its batch normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        )


class PaddingShortcut(nn.Module):
    """Option A: every other place, and zeros for the new channels, so that no weight is added.

    The paper does not say where the zeros go: half before and half after, as the published weights
    have it. x: (B, C_in, H, W) -> (B, C_out, H / stride, W / stride)
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride, before = stride, (outputs - inputs) // 2
        self.padding = (0, 0, 0, 0, before, outputs - inputs - before)

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], self.padding)


class Residual(nn.Module):
    """relu(F(x) + shortcut(x)). x: (B, C_in, H, W) -> (B, C_out, H / stride, W / stride)

    The shortcut is the identity wherever the shape allows. In a plain network: relu(F(x)).
    """

    def __init__(
        self,
        residual: nn.Sequential,
        inputs: int,
        outputs: int,
        stride: int,
        shortcut: Shortcut = "projection",
    ) -> None:
        super().__init__()
        self.residual = residual
        self.shortcut: nn.Module | None
        if shortcut == "none":
            self.shortcut = None
        elif stride == 1 and inputs == outputs:
            self.shortcut = nn.Identity()
        elif shortcut == "padding":
            self.shortcut = PaddingShortcut(inputs, outputs, stride)
        else:
            self.shortcut = ConvNorm(inputs, outputs, 1, stride)

    @property
    def last_norm(self) -> nn.BatchNorm2d:
        """F's last normalisation: where its weight and bias are 0, so is F."""
        last = self.residual[-1]
        assert isinstance(last, ConvNorm)
        norm = last[1]
        assert isinstance(norm, nn.BatchNorm2d)
        return norm

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.residual(x)
        if self.shortcut is not None:
            residual += self.shortcut(x)  # in place: no gradient needs what F gave
        return F.relu(residual, inplace=True)


class BasicBlock(Residual):
    """F is two 3×3 convolutions (figure 5, left)."""

    expansion = 1

    def __init__(
        self, inputs: int, width: int, stride: int = 1, shortcut: Shortcut = "projection"
    ) -> None:
        residual = nn.Sequential(
            ConvNorm(inputs, width, 3, stride),
            nn.ReLU(inplace=True),
            ConvNorm(width, width, 3),
        )
        super().__init__(residual, inputs, width, stride, shortcut)


class Bottleneck(Residual):
    """F narrows, filters, widens: 1×1, 3×3, 1×1 (figure 5, right).

    The 3×3 convolution has the stride, as in the weights that everyone publishes; the paper gives
    it to the first 1×1.
    """

    expansion = 4

    def __init__(
        self, inputs: int, width: int, stride: int = 1, shortcut: Shortcut = "projection"
    ) -> None:
        outputs = width * self.expansion
        residual = nn.Sequential(
            ConvNorm(inputs, width, 1),
            nn.ReLU(inplace=True),
            ConvNorm(width, width, 3, stride),
            nn.ReLU(inplace=True),
            ConvNorm(width, outputs, 1),
        )
        super().__init__(residual, inputs, outputs, stride, shortcut)


class Trunk(nn.Sequential):
    """Stem and stages: everything before pooling. x: (B, 3, H, W) -> (B, C, h, w)

    The stem for ImageNet is a 7×7 convolution and a max pooling that halve the picture twice (h is
    H / 32 after four stages); for CIFAR's 32×32 one 3×3 convolution (h is H / 4 after three).
    """

    def __init__(self, config: ResNetConfig) -> None:
        block = BasicBlock if config.block == "basic" else Bottleneck
        inputs = config.widths[0]
        if config.stem == "cifar":
            stem = nn.Sequential(ConvNorm(3, inputs, 3), nn.ReLU(inplace=True))
        else:
            pooling = nn.MaxPool2d(3, 2, padding=1)
            stem = nn.Sequential(ConvNorm(3, inputs, 7, 2), nn.ReLU(inplace=True), pooling)
        stages = nn.Sequential()
        for i, (depth, width) in enumerate(zip(config.depths, config.widths, strict=True)):
            stage = nn.Sequential()
            for j in range(depth):
                stride = 2 if i > 0 and j == 0 else 1
                stage.append(block(inputs, width, stride, config.shortcut))
                inputs = width * block.expansion
            stages.append(stage)
        super().__init__(stem, stages)
        self.channels = inputs
        self._initialise(config.zero_init)

    def _initialise(self, zero_init: bool) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al., "Delving Deep into Rectifiers", 2015
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for module in self.modules():
            if zero_init and isinstance(module, Residual):
                nn.init.zeros_(module.last_norm.weight)


class ResNet(nn.Module):
    """The classifier: trunk, average over all places, linear head. (B, 3, H, W) -> (B, classes)"""

    def __init__(self, config: ResNetConfig = RESNET18) -> None:
        super().__init__()
        self.trunk = Trunk(config)
        self.head = nn.Linear(self.trunk.channels, config.classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.trunk(x).mean((2, 3)))
        return logits

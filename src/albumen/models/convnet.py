"""A convolutional network of a few layers, after LeCun et al., "Gradient-Based Learning Applied to
Document Recognition", 1998, with what has been added since: ReLU, and batch normalisation (Ioffe &
Szegedy, "Batch Normalization", 2015).

A kernel is one small function slid over the picture: at each place the dot product of its weights
with the pixels that it covers, so one set of weights serves all places. (What networks call a
convolution is a cross-correlation: the kernel is not flipped.)
Shapes: B pictures, C channels, H × W places.
"""

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class ConvNetConfig:
    """Channels of each layer; every layer halves height and width by max pooling."""

    widths: tuple[int, ...] = (16, 32, 64)
    classes: int = 10


SMALL = ConvNetConfig()


class Layer(nn.Sequential):
    """Convolution, normalisation, ReLU, max pooling. (B, C_in, H, W) -> (B, C_out, H / 2, W / 2)

    A 3×3 kernel with padding 1 keeps the size. The normalisation makes the convolution's bias
    needless; it is kept so that the first layer is the textbook's, 3 · 16 · 3² + 16 = 448 weights.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel_size=3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )


class ConvNet(nn.Module):
    """Layers, the average over all places, a linear head. (B, 3, H, W) -> (B, classes)"""

    def __init__(self, config: ConvNetConfig = SMALL) -> None:
        super().__init__()
        channels = (3, *config.widths)
        pairs = zip(channels, config.widths, strict=False)
        self.layers = nn.Sequential(*(Layer(inputs, outputs) for inputs, outputs in pairs))
        self.head = nn.Linear(channels[-1], config.classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.layers(x).mean((2, 3)))
        return logits

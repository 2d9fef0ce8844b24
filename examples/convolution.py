"""A convolution: one small kernel for the whole picture.

    python examples/convolution.py

Prints what the layer report of our ConvNet says of its first layer, beside the dense layer of the
same output, and tries out what is said of convolutions.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albumen.models.convnet import SMALL, ConvNet
from albumen.models.describe import Dense, describe


def slid(picture: Tensor, kernel: Tensor) -> Tensor:
    """At each place the dot product of one kernel (C, K, K) with the pixels under it."""
    side = kernel.shape[-1]
    rows, columns = (length - side + 1 for length in picture.shape[1:])
    places = [
        (picture[:, y : y + side, x : x + side] * kernel).sum()
        for y in range(rows)
        for x in range(columns)
    ]
    return torch.stack(places).view(rows, columns)


def main() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 16, 3, padding=1)
    photo = torch.rand(1, 3, 32, 32)
    first = describe(ConvNet(SMALL), photo)[0]
    assert first.parameters == sum(p.numel() for p in layer.parameters())
    assert first.dense is not None
    print(f"Conv2d(3, 16, 3, padding=1) on 32 × 32 pixels: {first.parameters} parameters")
    weights, biases = first.dense.weights, first.dense.outputs
    print(f"a dense layer of the same output: {weights:,} weights and {biases:,} biases")
    print(f"1000 × 1000 grey pixels to 1000 neurons: {Dense(1000 * 1000, 1000).weights:,} weights")
    print(f"1000 × 1000 coloured pixels to the same: {Dense(3_000_000, 1000).weights:,} weights")

    padded, (kernel, bias) = F.pad(photo, (1, 1, 1, 1)), (layer.weight[5], layer.bias[5])
    same = torch.allclose(slid(padded[0], kernel) + bias, layer(photo)[0, 5], atol=1e-5)
    print(f"slid by hand it gives the same: {same}")

    small = nn.Conv2d(3, 16, 3)(torch.zeros(1, 3, 5, 5))
    print(f"with padding 32 × 32 becomes {' × '.join(map(str, layer(photo).shape[-2:]))}", end="")
    print(f", without it 5 × 5 becomes {' × '.join(map(str, small.shape[-2:]))}")

    print(f"convolution, the picture shifted by 1 px: {change(layer):.0%} of the output changes")
    pooled = nn.Sequential(layer, nn.MaxPool2d(2))
    print(f"convolution and 2 × 2 maximum, shifted by 1 px: {change(pooled):.0%}", end="")
    print(f", by 2 px: {change(pooled, 2):.0%}")


def change(network: nn.Module, shift: int = 1) -> float:
    """How far f(shifted x) is from shifted f(x), away from the borders, relative to f(x) itself.

    The output has to be shifted by as many of its own places as the shift is long.
    """
    x = torch.zeros(1, 3, 64, 64)
    x[..., 16:48, 16:48] = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        still, moved = network(x), network(x.roll(shift, dims=3))
    places = shift * still.shape[-1] // x.shape[-1]
    return float((moved - still.roll(places, dims=3)).norm() / (still - still.mean()).norm())


if __name__ == "__main__":
    main()

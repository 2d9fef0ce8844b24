"""A residual block: H(x) = F(x) + x.

    python examples/residual_block.py

The block as introductions print it, and ours, which has what the paper has besides; what a block
gives when F gives nothing; and how deep networks of such blocks pass gradients on.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from albumen.models.resnet import BasicBlock, ResNet, ResNetConfig, cifar, plain


class PrintedBlock(nn.Module):
    """As introductions have it: no normalisation, no stride, no change of channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.conv1(x))
        out = self.conv2(out)
        return F.relu(out + x)


def main() -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 16, 8, 8)
    printed, ours = PrintedBlock(16), BasicBlock(16, 16).eval()
    for parameter in printed.conv2.parameters():
        nn.init.zeros_(parameter)
    nn.init.zeros_(ours.last_norm.weight)
    for name, block in (("the printed block", printed), ("our block", ours)):
        identity, relu = torch.equal(block(x), x), torch.equal(block(x), x.relu())
        print(f"{name} with F = 0 gives x: {identity}, relu(x): {relu}", end="")
        print(f", and x again if x ≥ 0: {torch.equal(block(x.relu()), x.relu())}")
    print(f"its plain twin with F = 0 gives only zeros: {not silenced_twin()(x).any()}")

    for layers in (20, 56):
        config = cifar(layers)
        residual, twin = first_gradient(config), first_gradient(plain(config))
        print(f"{layers} layers, untrained: gradient at the first over that at the last:", end="")
        print(f" residual {residual:.2g}, plain {twin:.2g}")
    with torch.device("meta"):
        deepest = sum(p.numel() for p in ResNet(cifar(1202)).parameters())
    print(f"1202 layers have {deepest:,} parameters")


def silenced_twin() -> nn.Module:
    """A plain block whose F is 0."""
    block = BasicBlock(16, 16, shortcut="none").eval()
    nn.init.zeros_(block.last_norm.weight)
    return block


def first_gradient(config: ResNetConfig) -> float:
    """Norm of the loss's gradient by the first convolution over that by the last, untrained."""
    torch.manual_seed(1)
    network = ResNet(config).train()
    labels = torch.arange(8) % config.classes
    F.cross_entropy(network(torch.randn(8, 3, 32, 32)), labels).backward()
    kernels = [m.weight.grad for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert kernels[0] is not None
    assert kernels[-1] is not None
    return float(kernels[0].norm() / kernels[-1].norm())


if __name__ == "__main__":
    main()

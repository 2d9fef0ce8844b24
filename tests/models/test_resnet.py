"""Residual blocks and the networks made of them."""

import pytest
import torch

from albumen.models.resnet import (
    RESNET18,
    RESNET34,
    RESNET50,
    RESNET101,
    RESNET152,
    STARTER,
    BasicBlock,
    Bottleneck,
    ResNet,
    ResNetConfig,
    Trunk,
)


@pytest.mark.parametrize("block", [BasicBlock(8, 8), Bottleneck(8, 2)], ids=["basic", "bottleneck"])
def test_a_block_whose_residual_is_zero_gives_the_relu_of_its_input(block: torch.nn.Module) -> None:
    last_norm = block.residual[-1][1]
    torch.nn.init.zeros_(last_norm.weight)
    torch.nn.init.zeros_(last_norm.bias)
    x = torch.randn(2, 8, 5, 5)
    assert torch.equal(block(x), x.relu())


def test_the_shortcut_projects_only_where_the_shape_changes() -> None:
    assert isinstance(BasicBlock(8, 8).shortcut, torch.nn.Identity)
    assert BasicBlock(8, 8, stride=2)(torch.randn(1, 8, 6, 6)).shape == (1, 8, 3, 3)
    assert BasicBlock(8, 16)(torch.randn(1, 8, 6, 6)).shape == (1, 16, 6, 6)


# Parameters of the published ImageNet models (torchvision's documentation gives the same numbers).
@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (RESNET18, 11_689_512),
        (RESNET34, 21_797_672),
        (RESNET50, 25_557_032),
        (RESNET101, 44_549_160),
        (RESNET152, 60_192_808),
    ],
)
def test_the_named_variants_have_the_published_number_of_parameters(
    config: ResNetConfig, parameters: int
) -> None:
    with torch.device("meta"):
        model = ResNet(config)
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_the_starters_trunk_gives_four_by_four_places_of_256_channels() -> None:
    trunk = Trunk(STARTER).eval()
    assert trunk.channels == 256
    assert trunk(torch.zeros(2, 3, 112, 112)).shape == (2, 256, 4, 4)

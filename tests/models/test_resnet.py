"""Residual blocks and the networks made of them."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

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
    cifar,
    plain,
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


def test_a_first_block_with_a_padded_shortcut_passes_every_other_place_on() -> None:
    block = BasicBlock(4, 8, stride=2, shortcut="padding")
    torch.nn.init.zeros_(block.last_norm.weight)
    x = torch.randn(2, 4, 6, 6)
    wanted = torch.cat([torch.zeros(2, 2, 3, 3), x[..., ::2, ::2], torch.zeros(2, 2, 3, 3)], 1)
    assert torch.equal(block(x), wanted.relu())


# The paper's table 6; 0.27, 0.46, 0.66, 0.85, 1.7 and 19.4 million.
@pytest.mark.parametrize(
    ("layers", "parameters"),
    [
        (20, 269_722),
        (32, 464_154),
        (44, 658_586),
        (56, 853_018),
        (110, 1_727_962),
        (1202, 19_421_274),
    ],
)
def test_cifar_networks_have_the_papers_number_of_parameters_and_layers(
    layers: int, parameters: int
) -> None:
    with torch.device("meta"):
        model = ResNet(cifar(layers))
    weighted = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(weighted) == layers
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_a_plain_twin_has_the_same_weights_since_padding_adds_none() -> None:
    with torch.device("meta"):
        model, twin = ResNet(cifar(20)), ResNet(plain(cifar(20)))
        assert model.trunk(torch.empty(1, 3, 32, 32)).shape == (1, 64, 8, 8)
    shapes = {name: p.shape for name, p in model.named_parameters()}
    assert shapes == {name: p.shape for name, p in twin.named_parameters()}


@pytest.mark.parametrize(
    "config",
    [RESNET18, RESNET34, RESNET50, RESNET101, RESNET152, cifar(110)],
    ids=["18", "34", "50", "101", "152", "CIFAR-110"],
)
def test_every_plain_twin_has_the_same_layers_and_nothing_beside_them(
    config: ResNetConfig,
) -> None:
    """A projection is a skip with weights: in the twin it is gone too."""
    with torch.device("meta"):
        model, twin = ResNet(config), ResNet(plain(config))
        pixels = torch.empty(1, 3, 64, 64)
        assert model.trunk(pixels).shape == twin.trunk(pixels).shape
    shapes = {name: p.shape for name, p in model.named_parameters() if "shortcut" not in name}
    assert shapes == {name: p.shape for name, p in twin.named_parameters()}
    blocks = [module for module in twin.modules() if isinstance(module, BasicBlock | Bottleneck)]
    assert len(blocks) == sum(config.depths)
    assert all(block.shortcut is None for block in blocks)


@given(n=st.integers(1, 12))
@settings(max_examples=4, deadline=None)
def test_cifar_networks_have_any_depth_6n_plus_2(n: int) -> None:
    with torch.device("meta"):
        model = ResNet(cifar(6 * n + 2))
        assert model(torch.empty(1, 3, 32, 32)).shape == (1, 10)
    weighted = [m for m in model.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(weighted) == 6 * n + 2


@pytest.mark.parametrize("layers", [2, 18, 21])
def test_a_depth_that_is_not_6n_plus_2_is_refused(layers: int) -> None:
    with pytest.raises(ValueError, match=f"not {layers}"):
        cifar(layers)


def test_a_plain_block_has_no_way_around_its_layers() -> None:
    block = BasicBlock(8, 8, shortcut="none")
    torch.nn.init.zeros_(block.last_norm.weight)
    assert torch.equal(block(torch.randn(1, 8, 5, 5)), torch.zeros(1, 8, 5, 5))


@pytest.mark.parametrize("config", [RESNET18, RESNET50], ids=["basic", "bottleneck"])
def test_zero_initialisation_is_an_option(config: ResNetConfig) -> None:
    for zero in (False, True):
        small = replace(config, depths=(1, 1), widths=(4, 8), zero_init=zero)
        blocks = [m for m in Trunk(small).modules() if isinstance(m, BasicBlock | Bottleneck)]
        assert len(blocks) == 2
        assert all(bool(block.last_norm.weight.eq(0).all()) is zero for block in blocks)


def test_zero_initialised_blocks_start_as_if_they_were_not_there() -> None:
    torch.manual_seed(0)
    shallow, deep = (Trunk(replace(cifar(6 * n + 2), zero_init=True)).eval() for n in (1, 5))
    deep[0].load_state_dict(shallow[0].state_dict())
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(shallow(x), deep(x))
    assert all(block.last_norm.weight.eq(0).all() for stage in deep[1] for block in stage)

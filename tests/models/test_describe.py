"""The layer report, and the introduction's figures computed."""

import math

import pytest
import torch
from torch import nn

from albumen.models.convnet import SMALL, ConvNet
from albumen.models.describe import WHOLE, Dense, describe, table
from albumen.models.resnet import RESNET18, RESNET50, ResNet, ResNetConfig, Trunk
from albumen.models.vit import VIT_B16, ViT


def test_the_first_convolution_has_448_parameters_and_its_dense_twin_fifty_million() -> None:
    """Claim C3: 448 is right; 800 million is not."""
    first = describe(ConvNet(SMALL), torch.zeros(1, 3, 32, 32))[0]
    assert (first.kind, first.parameters, first.shape) == ("Conv2d", 448, (16, 32, 32))
    assert first.dense is not None
    assert first.dense.weights == 50_331_648
    assert first.dense.outputs == 16_384  # its biases
    assert first.multiply_adds == 16 * 32 * 32 * 27
    with torch.device("meta"):
        twin = nn.Linear(3 * 32 * 32, 16 * 32 * 32)
    assert sum(p.numel() for p in twin.parameters()) == 50_331_648 + 16_384


def test_a_dense_layer_on_a_large_picture_has_a_billion_weights_a_channel() -> None:
    """Claim C2."""
    assert Dense(1000 * 1000, 1000).weights == 1_000_000_000
    assert Dense(3 * 1000 * 1000, 1000).weights == 3_000_000_000


def depends_on(model: nn.Module, size: int) -> int:
    """Side of the square of pixels that the middle place of the output really depends on."""
    pixels = torch.rand(1, 3, size, size).double().requires_grad_()
    features = model(pixels)
    middle = features.shape[-1] // 2
    features[0, :, middle, middle].sum().backward()
    seen = pixels.grad.abs().sum((0, 1)) > 0
    rows = seen.any(1).nonzero().flatten()
    return int(rows.max() - rows.min()) + 1


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 5, 2, padding=2)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.AvgPool2d(2), nn.Conv2d(4, 4, 3, dilation=2)),
        Trunk(ResNetConfig((1, 1), (4, 8))),
        Trunk(ResNetConfig((1, 2), (4, 8), "bottleneck", stem="cifar", shortcut="padding")),
    ],
    ids=["convolutions", "pooling and dilation", "residual", "bottleneck"],
)
def test_the_receptive_field_is_what_gradients_say(model: nn.Module) -> None:
    # Maxima and ReLUs hide pixels from the gradient: averages and positive values do not.
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 0.1)
        if isinstance(module, nn.MaxPool2d):
            module.forward = lambda x, m=module: nn.functional.avg_pool2d(
                x, m.kernel_size, m.stride, m.padding
            )
    layers = describe(model.float(), torch.zeros(1, 3, 96, 96))
    widest = max(layer.receptive_field for layer in layers)  # the last may be a narrow shortcut
    assert depends_on(model.double().eval(), 96) == widest


def test_resnet_and_vit_reports_add_up_to_the_published_figures() -> None:
    # The published figure has the last block work for patches that no one looks at afterwards.
    spared = 196 * (9 * 768**2 + 2 * 197 * 768) / 1e9
    with torch.device("meta"):
        pixels = torch.empty(1, 3, 224, 224)
        for model, parameters, giga in [
            (ResNet(RESNET18), 11_689_512, 1.8),
            (ResNet(RESNET50), 25_557_032, 4.1),
            (ViT(VIT_B16), 86_567_656, 17.56 - spared),
        ]:
            layers = describe(model, pixels)
            own = parameters - sum(
                p.numel() for name, p in model.named_parameters() if "trunk.positions" in name
            )
            own -= sum(p.numel() for name, p in model.named_parameters() if "class_token" in name)
            assert sum(layer.parameters for layer in layers) == own
            assert sum(layer.multiply_adds for layer in layers) / 1e9 == pytest.approx(giga, 0.02)


def test_attention_sees_the_whole_picture_at_once_and_a_convolution_does_not() -> None:
    """Claim V3."""
    with torch.device("meta"):
        pixels = torch.empty(1, 3, 224, 224)
        vit, resnet = describe(ViT(VIT_B16), pixels), describe(ResNet(RESNET18), pixels)
    attention = next(layer for layer in vit if layer.kind == "Attention")
    assert vit[0].receptive_field == 16
    assert attention.receptive_field == WHOLE
    last = [layer for layer in resnet if layer.kind == "Conv2d"][-1]
    assert last.receptive_field == 435  # 7×7 and pooling, then sixteen 3×3 convolutions
    assert math.isinf(resnet[-1].receptive_field)  # the head, after the average


def test_the_table_has_a_line_for_each_layer_and_the_sums() -> None:
    lines = table(describe(ConvNet(SMALL), torch.zeros(1, 3, 32, 32))).splitlines()
    assert len(lines) == 2 + 4 * 3 + 1
    assert "448" in lines[1]
    assert "50,331,648 + 16,384" in lines[1]
    total = sum(p.numel() for p in ConvNet(SMALL).parameters())
    assert f"{total:,}" in lines[-1]


def test_describing_leaves_a_model_in_the_mode_it_was_in() -> None:
    net = ConvNet(SMALL).train()
    before = net.layers[0][1].running_mean.clone()
    describe(net, torch.ones(1, 3, 32, 32))
    assert net.training
    assert torch.equal(net.layers[0][1].running_mean, before)

"""What convolution is, checked by hand."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from albumen.models.convnet import ConvNet, ConvNetConfig


@given(
    seed=st.integers(0, 999),
    kernel=st.sampled_from([1, 2, 3, 5]),
    padding=st.integers(0, 2),
    stride=st.integers(1, 2),
)
@settings(max_examples=20, deadline=None)
def test_a_convolution_is_one_kernel_slid_over_the_picture(
    seed: int, kernel: int, padding: int, stride: int
) -> None:
    """Claim C1: at each place the dot product of the same weights with the pixels under them."""
    torch.manual_seed(seed)
    picture, weights = torch.randn(2, 7, 6).double(), torch.randn(3, 2, kernel, kernel).double()
    padded = F.pad(picture, (padding,) * 4)
    rows = range(0, padded.shape[1] - kernel + 1, stride)
    columns = range(0, padded.shape[2] - kernel + 1, stride)
    by_hand = torch.stack([
        torch.tensor([
            [(padded[:, y : y + kernel, x : x + kernel] * filter_).sum().item() for x in columns]
            for y in rows
        ])
        for filter_ in weights
    ])  # fmt: skip
    given_ = F.conv2d(picture[None], weights, stride=stride, padding=padding)[0]
    torch.testing.assert_close(given_.float(), by_hand.float())


def test_padding_keeps_the_size_and_without_it_a_picture_shrinks() -> None:
    """Claim C4."""
    assert torch.nn.Conv2d(3, 16, 3, padding=1)(torch.zeros(1, 3, 32, 32)).shape[-2:] == (32, 32)
    assert torch.nn.Conv2d(3, 16, 3)(torch.zeros(1, 3, 5, 5)).shape[-2:] == (3, 3)


def test_a_layer_is_convolution_normalisation_relu_and_maximum_by_hand() -> None:
    torch.manual_seed(0)
    net = ConvNet(ConvNetConfig(widths=(4,), classes=5)).double().eval()
    conv, norm, _, _ = net.layers[0]
    norm.running_mean.uniform_()
    norm.running_var.uniform_(0.5, 2)
    x = torch.randn(1, 3, 6, 8).double()
    y = F.conv2d(F.pad(x, (1, 1, 1, 1)), conv.weight, conv.bias)
    y = (y - norm.running_mean[:, None, None]) / (norm.running_var + norm.eps).sqrt()[:, None, None]
    y = y.clamp_min(0).unflatten(3, (4, 2)).unflatten(2, (3, 2)).amax((3, 5))
    torch.testing.assert_close(net.layers(x), y)
    torch.testing.assert_close(net(x), net.head(y.flatten(2).mean(2)))


def test_each_layer_halves_the_picture_and_the_head_gives_a_logit_for_each_class() -> None:
    net = ConvNet(ConvNetConfig(widths=(4, 8), classes=5)).eval()
    assert net.layers(torch.zeros(2, 3, 32, 24)).shape == (2, 8, 8, 6)
    assert net(torch.zeros(2, 3, 32, 24)).shape == (2, 5)


def test_a_few_steps_teach_it_to_tell_upright_from_level_stripes() -> None:
    torch.manual_seed(0)
    net = ConvNet(ConvNetConfig(widths=(4, 8), classes=2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    stripes = (torch.arange(16) // 2 % 2).float()
    level = stripes[:, None].expand(3, 16, 16)
    truth = torch.arange(16) % 2
    for _ in range(30):
        pixels = torch.stack([level.mT if is_upright else level for is_upright in truth])
        loss = F.cross_entropy(net(pixels + 0.3 * torch.randn_like(pixels)), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    logits = net.eval()(torch.stack([level, level.mT]))
    assert logits.argmax(1).tolist() == [0, 1]


def test_a_shift_by_the_pooled_step_shifts_what_the_layers_give() -> None:
    """Claim C5: equivariance, here exact because the shift is a multiple of every stride."""
    torch.manual_seed(0)
    net = ConvNet(ConvNetConfig(widths=(4, 8))).eval()
    picture = torch.zeros(1, 3, 48, 48)
    picture[..., 16:28, 16:28] = torch.rand(1, 3, 12, 12)
    shifted = picture.roll((4, 8), dims=(2, 3))
    torch.testing.assert_close(
        net.layers(picture).roll((1, 2), dims=(2, 3))[..., 2:-2, 3:-2],
        net.layers(shifted)[..., 2:-2, 3:-2],
    )
    with pytest.raises(AssertionError):
        torch.testing.assert_close(net.layers(picture), net.layers(shifted))

"""The one Transformer block."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from albumen.models.layers import Attention, Block, QuickGELU, Transformer, TransformerConfig


def test_attention_is_softmax_of_scaled_products_times_values() -> None:
    torch.manual_seed(0)
    attention, x = Attention(width=12, heads=3).double(), torch.randn(2, 5, 12).double()
    q, k, v = attention.qkv(x).split(12, dim=-1)
    heads = []
    for h in range(3):
        part = slice(4 * h, 4 * h + 4)
        scores = q[..., part] @ k[..., part].transpose(1, 2) / 4**0.5
        heads.append(scores.softmax(-1) @ v[..., part])
    torch.testing.assert_close(attention(x), attention.out(torch.cat(heads, -1)))


@given(changed=st.integers(1, 7), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_a_causal_block_never_lets_a_later_token_change_an_earlier_state(
    changed: int, seed: int
) -> None:
    torch.manual_seed(seed)
    blocks = Transformer(TransformerConfig(width=16, layers=2, heads=4, causal=True)).eval()
    x = torch.randn(1, 8, 16)
    other = x.clone()
    other[:, changed:] += torch.randn(1, 8 - changed, 16)
    before, after = blocks(x), blocks(other)
    torch.testing.assert_close(before[:, :changed], after[:, :changed])
    assert not torch.allclose(before[:, changed:], after[:, changed:])


def test_without_causal_every_token_sees_every_other() -> None:
    torch.manual_seed(0)
    block = Block(TransformerConfig(width=16, layers=1, heads=2))
    x = torch.randn(1, 6, 16, requires_grad=True)
    block(x)[0, 0].sum().backward()
    assert (x.grad[0].abs().sum(-1) > 0).all()


def test_a_block_whose_steps_are_silent_passes_its_input_on() -> None:
    block, x = Block(TransformerConfig(width=16, layers=1, heads=2)), torch.randn(2, 3, 16)
    for linear in (block.attention.out, block.mlp[2]):
        torch.nn.init.zeros_(linear.weight)
        torch.nn.init.zeros_(linear.bias)
    assert torch.equal(block(x), x)


def test_quick_gelu_is_close_to_gelu_but_not_gelu() -> None:
    x = torch.linspace(-4, 4, 101)
    difference = (QuickGELU()(x) - F.gelu(x)).abs().max()
    assert 0.01 < difference < 0.03


def test_a_width_that_does_not_split_into_heads_is_refused() -> None:
    with pytest.raises(ValueError, match="10 cannot be split into 3 heads"):
        Attention(width=10, heads=3)


@given(first=st.integers(1, 6), causal=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_first_tokens_come_out_the_same_when_only_they_are_asked_for(
    first: int, causal: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    config = TransformerConfig(width=16, layers=2, heads=4, causal=causal)
    blocks, x = Transformer(config).double().eval(), torch.randn(2, 6, 16).double()
    torch.testing.assert_close(blocks(x, first), blocks(x)[:, :first])

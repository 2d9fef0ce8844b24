"""The Transformer block that every tower here is made of.

Vaswani et al., "Attention Is All You Need", 2017, with the normalisation before each step (Xiong et
al., "On Layer Normalization in the Transformer Architecture", 2020), as ViT and CLIP use it.
Shapes: B pictures or texts, N tokens, D width, H heads.
"""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Activation = Literal["gelu", "quick_gelu"]


@dataclass(frozen=True)
class TransformerConfig:
    """What a stack of blocks looks like; `causal` lets a token see itself and earlier ones only."""

    width: int
    layers: int
    heads: int
    mlp_ratio: int = 4
    activation: Activation = "gelu"
    causal: bool = False
    norm_eps: float = 1e-5


class QuickGELU(nn.Module):
    """x · sigmoid(1.702 x), the approximation of GELU that OpenAI's CLIP was trained with."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (1.702 * x).sigmoid()


class Attention(nn.Module):
    """Scaled dot-product attention in H heads: softmax(q kᵀ / sqrt(D / H)) v.

    x: (B, N, D) -> (B, N, D), or (B, first, D) where only the first tokens' answers are asked for.
    """

    def __init__(self, width: int, heads: int, causal: bool = False) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"a width of {width} cannot be split into {heads} heads")
        self.heads, self.causal = heads, causal
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, first: int | None = None) -> Tensor:
        q, k, v = self.split(x)
        q = q if first is None else q[:, :, :first]
        x = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        joined: Tensor = self.out(x.transpose(1, 2).flatten(2))  # (B, H, N, D/H) -> (B, N, D)
        return joined

    def split(self, x: Tensor) -> tuple[Tensor, ...]:
        """x: (B, N, D) -> queries, keys and values, each (B, H, N, D/H)."""
        # (B, N, 3D) -> (B, N, 3, H, D/H) -> three of (B, H, N, D/H)
        qkv: Tensor = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return qkv.unbind(0)

    def weights(self, x: Tensor) -> Tensor:
        """How much each token takes from each: (B, N, D) -> (B, H, N, N), rows that add up to 1.

        What `forward` computes without showing it; for looking at, not for running.
        """
        q, k, _ = self.split(x)
        scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
        if self.causal:
            later = scores.new_ones(scores.shape[-2:]).triu(1).bool()
            scores = scores.masked_fill(later, float("-inf"))
        shares: Tensor = scores.softmax(-1)
        return shares


class Block(nn.Module):
    """One pre-norm block: x + attention(norm(x)), then x + mlp(norm(x)).

    x: (B, N, D) -> (B, N, D), or (B, first, D)
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.width * config.mlp_ratio
        self.norm1 = nn.LayerNorm(width, eps=config.norm_eps)
        self.attention = Attention(width, config.heads, config.causal)
        self.norm2 = nn.LayerNorm(width, eps=config.norm_eps)
        activation = nn.GELU() if config.activation == "gelu" else QuickGELU()
        self.mlp = nn.Sequential(nn.Linear(width, hidden), activation, nn.Linear(hidden, width))

    def forward(self, x: Tensor, first: int | None = None) -> Tensor:
        asked: Tensor = x if first is None else x[:, :first]
        asked = asked + self.attention(self.norm1(x), first)
        asked = asked + self.mlp(self.norm2(asked))
        return asked


class Transformer(nn.Sequential):
    """A stack of blocks. x: (B, N, D) -> (B, N, D), or (B, first, D).

    Whoever needs only the first tokens saves the last block's work for the others: of twelve blocks
    some 6 % of all. The result is the same.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(*(Block(config) for _ in range(config.layers)))

    def forward(self, x: Tensor, first: int | None = None) -> Tensor:
        *earlier, last = self
        for block in earlier:
            x = block(x)
        asked: Tensor = last(x, first)
        return asked

"""The Transformer block that every tower here is made of.

Vaswani et al., "Attention Is All You Need", 2017, with the normalisation before each step (Xiong et
al., "On Layer Normalization in the Transformer Architecture", 2020), as ViT and CLIP use it.
Shapes: B pictures or texts, N tokens, D width, H heads.
"""

from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class TransformerConfig:
    """What a stack of blocks looks like; `causal` lets a token see itself and earlier ones only."""

    width: int
    layers: int
    heads: int
    mlp_ratio: int = 4
    activation: Literal["gelu", "quick_gelu"] = "gelu"
    causal: bool = False
    norm_eps: float = 1e-5


class QuickGELU(nn.Module):
    """x · sigmoid(1.702 x), the approximation of GELU that OpenAI's CLIP was trained with."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (1.702 * x).sigmoid()


class Attention(nn.Module):
    """Scaled dot-product attention in H heads: softmax(q kᵀ / sqrt(D / H)) v.

    x: (B, N, D) -> (B, N, D)
    """

    def __init__(self, width: int, heads: int, causal: bool = False) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"a width of {width} cannot be split into {heads} heads")
        self.heads, self.causal = heads, causal
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        # (B, N, 3D) -> (B, N, 3, H, D/H) -> three of (B, H, N, D/H)
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        x = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(x.transpose(1, 2).flatten(2))  # (B, H, N, D/H) -> (B, N, D)


class Block(nn.Module):
    """One pre-norm block: x + attention(norm(x)), then x + mlp(norm(x)).

    x: (B, N, D) -> (B, N, D)
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.width * config.mlp_ratio
        self.norm1 = nn.LayerNorm(width, eps=config.norm_eps)
        self.attention = Attention(width, config.heads, config.causal)
        self.norm2 = nn.LayerNorm(width, eps=config.norm_eps)
        activation = nn.GELU() if config.activation == "gelu" else QuickGELU()
        self.mlp = nn.Sequential(nn.Linear(width, hidden), activation, nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Sequential):
    """A stack of blocks. x: (B, N, D) -> (B, N, D)"""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(*(Block(config) for _ in range(config.layers)))

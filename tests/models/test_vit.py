"""The Vision Transformer."""

import pytest
import torch
import torch.nn.functional as F

from albumen.models import vit
from albumen.models.vit import PatchEmbedding, ViT, ViTConfig, resize_positions

TINY = ViTConfig(size=32, patch=8, width=24, layers=3, heads=3, classes=5)


@pytest.fixture(scope="module")
def tiny() -> ViT:
    torch.manual_seed(0)
    model = ViT(TINY).double().eval()
    torch.nn.init.normal_(model.trunk.class_token)
    return model


def test_the_patch_embedding_is_flatten_and_project() -> None:
    """Claim V1."""
    torch.manual_seed(0)
    embedding = PatchEmbedding(patch=8, width=12).double()
    pixels = torch.randn(2, 3, 16, 24).double()
    # (B, 3, h, P, w, P) -> (B, h, w, 3, P, P): the patches row by row, each flattened
    patches = pixels.unflatten(3, (3, 8)).unflatten(2, (2, 8)).permute(0, 2, 4, 1, 3, 5)
    flat = patches.reshape(2, 6, 3 * 8 * 8)
    weight = embedding.projection.weight.flatten(1)
    wanted = F.linear(flat, weight, embedding.projection.bias)
    torch.testing.assert_close(embedding(pixels), wanted, rtol=1e-12, atol=1e-12)


def test_a_picture_of_224_pixels_is_196_patches_and_a_class_token() -> None:
    with torch.device("meta"):
        assert vit.Trunk(vit.VIT_B16)(torch.empty(1, 3, 224, 224)).shape == (1, 197, 768)


# Parameters with 1,000 classes, as timm and torchvision give them.
@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (vit.VIT_TI16, 5_717_416),
        (vit.VIT_S16, 22_050_664),
        (vit.VIT_B16, 86_567_656),
        (vit.VIT_L16, 304_326_632),
        (vit.VIT_TI32, 6_131_560),  # counted by timm, which has no name for it
        (vit.VIT_S32, 22_878_952),
        (vit.VIT_B32, 88_224_232),
        (vit.VIT_L32, 306_535_400),
    ],
)
def test_the_named_variants_have_the_published_number_of_parameters(
    config: ViTConfig, parameters: int
) -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in ViT(config).parameters()) == parameters


def test_a_picture_that_patches_do_not_cover_is_refused(tiny: ViT) -> None:
    with pytest.raises(ValueError, match="32×36 pixels cannot be cut into patches of 8"):
        tiny(torch.zeros(1, 3, 32, 36).double())


def test_positions_follow_the_size_of_the_picture(tiny: ViT) -> None:
    assert tiny(torch.randn(2, 3, 48, 64).double()).shape == (2, 5)
    positions = tiny.trunk.positions[1:]
    assert resize_positions(positions, (4, 4)) is positions
    # A plane stays one, nearly (the cubic is not exact on planes), in the middle of a finer grid:
    # x grows along rows, y along columns.
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    finer = resize_positions(torch.stack([x, y], -1).flatten(0, 1), (16, 16)).unflatten(0, (16, 16))
    centres = (torch.arange(16) + 0.5) / 2 - 0.5
    torch.testing.assert_close(finer[8, 5:11, 0], centres[5:11], rtol=0, atol=0.08)
    torch.testing.assert_close(finer[5:11, 8, 1], centres[5:11], rtol=0, atol=0.08)


def test_intermediate_tokens_and_attention_maps_are_given_by_name(tiny: ViT) -> None:
    pixels = torch.randn(2, 3, 32, 32).double()
    seen = tiny.observe(pixels, ["embedded", "blocks.0", "attention.1", "tokens"])
    assert list(seen) == ["embedded", "blocks.0", "attention.1", "tokens"]
    torch.testing.assert_close(tiny.head(seen["tokens"][:, 0]), tiny(pixels))
    torch.testing.assert_close(tiny.trunk.blocks[0](seen["embedded"]), seen["blocks.0"])
    assert seen["attention.1"].shape == (2, 3, 17, 17)
    torch.testing.assert_close(seen["attention.1"].sum(-1), torch.ones(2, 3, 17).double())
    block = tiny.trunk.blocks[1]
    normed = block.norm1(seen["blocks.0"])
    values = block.attention.split(normed)[2]  # (B, heads, T, D / heads)
    mixed = (seen["attention.1"] @ values).transpose(1, 2).flatten(2)
    torch.testing.assert_close(block.attention.out(mixed), block.attention(normed))
    with pytest.raises(KeyError, match="attention.7"):
        tiny.observe(pixels, ["attention.7"])


def test_the_mean_head_needs_no_class_token() -> None:
    torch.manual_seed(0)
    model = ViT(ViTConfig(size=32, patch=8, width=24, layers=1, heads=3, classes=5, pool="mean"))
    pixels = torch.randn(2, 3, 32, 32)
    assert model.trunk.class_token is None
    tokens = model.trunk(pixels)
    assert tokens.shape == (2, 16, 24)
    torch.testing.assert_close(model(pixels), model.head(tokens.mean(1)))


def test_without_positions_the_order_of_patches_would_not_matter(tiny: ViT) -> None:
    pixels = torch.randn(1, 3, 32, 32).double()
    swapped = pixels.roll(8, dims=3)
    assert not torch.allclose(tiny(pixels), tiny(swapped))
    positions = tiny.trunk.positions.data.clone()
    tiny.trunk.positions.data.zero_()
    torch.testing.assert_close(tiny(pixels), tiny(swapped))
    tiny.trunk.positions.data.copy_(positions)

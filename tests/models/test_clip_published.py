"""CLIP's published variants."""

import math
from dataclasses import replace

import pytest
import torch

from albumen.models import clip
from albumen.models.clip import CLIP, CLIPConfig, TextConfig, with_activation
from albumen.models.modified_resnet import AttentionPool, ModifiedResNetConfig
from albumen.models.vit import ViTConfig

TEXT = TextConfig(vocabulary=40, context=9, width=16, layers=1, heads=2, end_id=39)
VIT = ViTConfig(32, 8, 24, 2, 3, patch_bias=False, norm_embedded=True, norm_eps=1e-5)
RESNET = ModifiedResNetConfig(size=64, depths=(1, 1, 1, 1), width=8, heads=4)
IDS = torch.tensor([[38, 5, 39, 0], [38, 7, 9, 39]])


# Counted by open_clip for the same variants.
@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (clip.CLIP_B32, 151_277_313),
        (clip.CLIP_B16, 149_620_737),
        (clip.CLIP_L14, 427_616_513),
        (clip.CLIP_RN50, 102_007_137),
    ],
    ids=["B/32", "B/16", "L/14", "RN50"],
)
def test_the_published_variants_have_the_published_number_of_parameters(
    config: CLIPConfig, parameters: int
) -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in CLIP(config).parameters()) == parameters


def test_the_256_pixel_variant_differs_by_its_positions_alone() -> None:
    with torch.device("meta"):
        shapes = {name: p.shape for name, p in CLIP(clip.CLIP_B32).named_parameters()}
        larger = {name: p.shape for name, p in CLIP(clip.CLIP_B32_256).named_parameters()}
    differs = [name for name in shapes if shapes[name] != larger[name]]
    assert differs == ["image.trunk.positions"]
    assert larger["image.trunk.positions"] == (65, 768)


@pytest.mark.parametrize(("image", "size"), [(VIT, 32), (RESNET, 64)], ids=["ViT", "ResNet"])
def test_both_towers_end_in_one_space_and_the_scale_is_the_checkpoints(
    image: ViTConfig | ModifiedResNetConfig, size: int
) -> None:
    torch.manual_seed(0)
    model = CLIP(CLIPConfig(12, image, TEXT, math.inf)).eval()
    torch.nn.init.constant_(model.log_scale, 4.6052)  # OpenAI's: a little over 100
    pixels = torch.randn(2, 3, size, size)
    embeds, local = model.image(pixels)
    assert local is None
    torch.testing.assert_close(embeds.norm(dim=1), torch.ones(2))
    wanted = math.exp(4.6052) * embeds @ model.text(IDS).T
    torch.testing.assert_close(model(pixels, IDS), wanted)


def test_the_activation_changes_both_towers_and_no_shape() -> None:
    torch.manual_seed(0)
    config = CLIPConfig(12, VIT, TEXT, math.inf)
    gelu, quick = CLIP(config).eval(), CLIP(with_activation(config, "quick_gelu")).eval()
    quick.load_state_dict(gelu.state_dict())
    pixels = torch.randn(1, 3, 32, 32)
    assert not torch.equal(gelu.image(pixels)[0], quick.image(pixels)[0])
    assert not torch.equal(gelu.text(IDS), quick.text(IDS))


def test_attention_pooling_is_one_query_over_the_average_and_all_places() -> None:
    torch.manual_seed(0)
    pool = AttentionPool(places=6, channels=8, heads=2, dim=5).double()
    features = torch.randn(2, 8, 2, 3).double()
    places = features.flatten(2).mT
    tokens = torch.cat([places.mean(1, keepdim=True), places], 1) + pool.positions
    q, k, v = pool.qkv(tokens).split(8, dim=-1)
    heads = []
    for h in (slice(0, 4), slice(4, 8)):
        shares = (q[:, :1, h] @ k[..., h].mT / 2).softmax(-1)
        heads.append(shares @ v[..., h])
    torch.testing.assert_close(pool(features), pool.out(torch.cat(heads, -1)[:, 0]))


def test_towers_compute_in_the_precision_they_are_given() -> None:
    model = CLIP(CLIPConfig(12, replace(VIT, layers=1), TEXT, math.inf)).eval()
    for dtype, wanted in [(torch.float64, torch.float64), (torch.bfloat16, torch.float32)]:
        embeds, _ = model.to(dtype).image(torch.randn(1, 3, 32, 32, dtype=dtype))
        assert embeds.dtype == wanted

"""Both towers and the loss that joins them."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from albumen.models.clip import (
    CLIP,
    MAX_SCALE,
    STARTER_CLIP,
    AveragedImageTower,
    TextConfig,
    TextTower,
    contrastive_loss,
)
from albumen.models.resnet import ResNetConfig, Trunk

TINY_TEXT = TextConfig(vocabulary=50, context=12, width=16, layers=2, heads=2, end_id=2)


@pytest.fixture(scope="module")
def image_tower() -> AveragedImageTower:
    torch.manual_seed(0)
    return AveragedImageTower(Trunk(ResNetConfig(widths=(8, 8, 16, 16))), dim=12).eval()


@pytest.fixture(scope="module")
def text_tower() -> TextTower:
    torch.manual_seed(0)
    return TextTower(TINY_TEXT, dim=12).eval()


def test_an_embedding_is_exactly_the_average_of_what_its_places_contribute(
    image_tower: AveragedImageTower,
) -> None:
    embeds, local = image_tower(torch.randn(3, 3, 96, 128))
    assert local.shape == (3, 3 * 4, 12)
    assert torch.equal(embeds, local.mean(1))
    torch.testing.assert_close(embeds.norm(dim=1), torch.ones(3))


def test_projecting_each_place_first_changes_nothing(image_tower: AveragedImageTower) -> None:
    pixels = torch.randn(2, 3, 64, 64)
    pooled = image_tower.trunk(pixels).mean((2, 3))
    wanted = F.normalize(image_tower.projection(pooled), dim=-1)
    torch.testing.assert_close(image_tower(pixels)[0], wanted)


def test_places_run_row_by_row(image_tower: AveragedImageTower) -> None:
    features = torch.zeros(1, 16, 3, 4)
    features[0, :, 1, 2] = torch.randn(16)
    _, local = image_tower.embed(features)
    differs = (local - local[:, :1]).abs().sum(-1)[0] > 1e-6
    assert differs.nonzero().flatten().tolist() == [1 * 4 + 2]


@given(
    words=st.lists(st.integers(3, 49), min_size=1, max_size=6),
    junk=st.lists(st.integers(0, 49), max_size=4),
)
@settings(max_examples=25, deadline=None)
def test_whatever_follows_the_end_token_is_ignored(words: list[int], junk: list[int]) -> None:
    torch.manual_seed(1)
    tower = TextTower(TINY_TEXT, dim=12).eval()
    text = torch.tensor([[1, *words, 2]])
    longer = torch.tensor([[1, *words, 2, *junk]])
    torch.testing.assert_close(tower(text), tower(longer))


def test_texts_of_one_batch_do_not_see_each_other_nor_the_padding(text_tower: TextTower) -> None:
    together = torch.tensor([[1, 7, 2, 0, 0], [1, 8, 9, 10, 2]])
    alone = [text_tower(torch.tensor([[1, 7, 2]])), text_tower(together[1:])]
    torch.testing.assert_close(text_tower(together), torch.cat(alone))


def test_the_order_of_words_matters(text_tower: TextTower) -> None:
    one, other = text_tower(torch.tensor([[1, 7, 8, 2], [1, 8, 7, 2]]))
    assert not torch.allclose(one, other, atol=1e-3)


def test_a_text_longer_than_the_context_is_refused(text_tower: TextTower) -> None:
    with pytest.raises(ValueError, match="13 tokens, where 12 are the most"):
        text_tower(torch.zeros(1, 13, dtype=torch.int64))


def test_the_contrastive_loss_is_what_one_gets_by_hand() -> None:
    # Rows: -log softmax at the diagonal of [[2, 0], [1, 1]]; columns the same, read downwards.
    logits = torch.tensor([[2.0, 0.0], [1.0, 1.0]])
    rows = math.log(1 + math.exp(-2)) + math.log(2)
    columns = math.log(1 + math.exp(-1)) + math.log(1 + math.exp(-1))
    assert contrastive_loss(logits).item() == pytest.approx((rows / 2 + columns / 2) / 2)


@given(seed=st.integers(0, 999), size=st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_the_contrastive_loss_treats_pictures_and_texts_alike(seed: int, size: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(size, size, generator=generator)
    truth = (torch.rand(size, size, generator=generator) < 0.3).float().fill_diagonal_(1)
    torch.testing.assert_close(contrastive_loss(logits), contrastive_loss(logits.T))
    torch.testing.assert_close(contrastive_loss(logits, truth), contrastive_loss(logits.T, truth.T))
    torch.testing.assert_close(contrastive_loss(logits, torch.eye(size)), contrastive_loss(logits))


def test_a_caption_that_two_pictures_share_is_no_mistake_for_either() -> None:
    same_caption = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    perfect = 100 * same_caption
    assert contrastive_loss(perfect, same_caption).item() == pytest.approx(2 / 3 * math.log(2))
    assert contrastive_loss(perfect - 100 * torch.eye(3), same_caption) > 10


def test_the_learned_scale_starts_at_the_papers_temperature_and_is_bounded() -> None:
    clip = CLIP(STARTER_CLIP)
    assert clip.scale.item() == pytest.approx(1 / 0.07)
    torch.nn.init.constant_(clip.log_scale, 9)
    assert clip.scale.item() == MAX_SCALE


def test_the_starter_compares_every_picture_with_every_text() -> None:
    clip = CLIP(STARTER_CLIP).eval()
    ids = torch.tensor([[1, 5, 2], [1, 6, 2], [1, 7, 2]])
    with torch.inference_mode():
        logits = clip(torch.randn(3, 3, 112, 112), ids)
        embeds, _ = clip.image(torch.zeros(1, 3, 112, 112))
    assert logits.shape == (3, 3)
    assert logits.abs().max() <= clip.scale + 1e-4
    assert embeds.shape == (1, STARTER_CLIP.dim)

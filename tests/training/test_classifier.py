"""Batches, blending and the loss of classifiers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from albumen.training.classifier import (
    Batch,
    Batches,
    Blending,
    Classification,
    answers,
    blended,
    figures,
)
from albumen.training.pictures import Augmentation, augmented, whole

PLAIN = Augmentation(size=64, crops=(64,), brightness=0, contrast=0)
PLAIN8 = Augmentation(8, (8,))
NEIGHBOUR = [1, 0, 3, 2, 5, 4]


def test_an_epoch_shows_every_picture_once_and_each_epoch_in_another_order() -> None:
    pixels = np.zeros((12, 8, 8, 3), np.uint8)
    rows = np.arange(2, 12)
    batches = Batches(pixels, np.arange(12), rows, 5, Augmentation(8, (8,)))
    assert batches.of_an_epoch == 2
    shown = [torch.cat([batches(2 * epoch + i).labels for i in range(2)]) for epoch in range(2)]
    assert all(sorted(labels.tolist()) == rows.tolist() for labels in shown)
    assert not torch.equal(*shown)
    assert torch.equal(batches(1).labels, batches(1).labels)


def test_more_pictures_than_there_are_come_again() -> None:
    batches = Batches(np.zeros((3, 8, 8, 3), np.uint8), np.arange(3), np.arange(3), 8, PLAIN8)
    assert sorted(set(batches(0).labels.tolist())) == [0, 1, 2]
    assert len(batches(0).labels) == 8


def test_mixup_is_a_weighted_mean_of_two_pictures() -> None:
    x, labels = torch.rand(6, 3, 8, 8), torch.arange(6)
    batch = blended(x.clone(), labels, Blending(mixup=1.0), np.random.default_rng(0))
    assert 0 < batch.share < 1
    wanted = batch.share * x + (1 - batch.share) * x[NEIGHBOUR]
    torch.testing.assert_close(batch.pixels, wanted)
    assert torch.equal(batch.others, labels[NEIGHBOUR])


def test_an_odd_picture_is_blended_with_itself() -> None:
    x, labels = torch.rand(5, 3, 8, 8), torch.arange(5)
    batch = blended(x.clone(), labels, Blending(mixup=1.0), np.random.default_rng(0))
    torch.testing.assert_close(batch.pixels[4], x[4])
    assert batch.others[4] == 4


def test_cutmix_puts_a_square_of_one_picture_into_another_and_says_how_much() -> None:
    x = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 3, 16, 16).contiguous()
    batch = blended(x.clone(), torch.arange(6), Blending(cutmix=1.0), np.random.default_rng(1))
    own = (batch.pixels == x).float().mean((1, 2, 3))
    assert torch.allclose(own, torch.full((6,), batch.share))
    assert 0 < batch.share < 1
    assert torch.equal(batch.pixels[batch.pixels != x], x[NEIGHBOUR][batch.pixels != x])


def test_the_loss_of_a_blend_is_the_blend_of_the_losses() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    x, one, other = torch.randn(4, 3, 2, 2), torch.tensor([0, 1, 2, 0]), torch.tensor([2, 2, 0, 1])
    loss, _ = Classification(network).loss(Batch(x, one, other, 0.7))
    logits = network(x)
    wanted = 0.7 * F.cross_entropy(logits, one) + 0.3 * F.cross_entropy(logits, other)
    torch.testing.assert_close(loss, wanted)


def test_a_smoothed_loss_keeps_some_doubt() -> None:
    sure = nn.Linear(1, 2, bias=False)
    sure.weight.data[:] = torch.tensor([[20.0], [-20.0]])
    batch = Batch(torch.ones(1, 1), torch.tensor([0]), torch.tensor([0]), 1.0)
    assert Classification(sure).loss(batch)[0] < 1e-6
    assert Classification(sure, smoothing=0.1).loss(batch)[0] > 1


def test_answers_are_those_of_whole_pictures_in_evaluation_mode(pictures: np.ndarray) -> None:
    network = nn.Sequential(nn.Dropout(0.9), nn.AdaptiveAvgPool2d(1), nn.Flatten()).train()
    network.append(nn.Linear(3, 2))
    found = answers(network, pictures, np.arange(16), PLAIN)
    again = answers(network, pictures, np.array([3]), PLAIN)
    assert found.shape == (16, 2)
    np.testing.assert_allclose(found[3:4], again, rtol=1e-5, atol=1e-6)


def test_figures_are_the_share_of_right_answers_and_the_loss() -> None:
    logits = np.float32([[2, 0], [0, 2], [2, 0]])
    found = figures(logits, np.array([0, 1, 1]))
    assert found["right"] == pytest.approx(2 / 3)
    assert found["loss"] == pytest.approx((2 * np.log1p(np.exp(-2)) + np.log1p(np.exp(2))) / 3)


def test_black_around_a_picture_is_part_of_what_is_cropped() -> None:
    recipe = Augmentation(size=64, crops=(64,), brightness=0, contrast=0, padding=8)
    white = np.full((40, 64, 64, 3), 255, np.uint8)
    x = augmented(white, np.arange(40), recipe, np.random.default_rng(0))
    assert x.shape == (40, 3, 64, 64)
    inside = x[:, :, 8:-8, 8:-8]  # what no shift reaches
    torch.testing.assert_close(inside, whole(white, 64)[:, :, 8:-8, 8:-8])
    black = whole(np.zeros((1, 64, 64, 3), np.uint8), 64)[0, :, 0, 0]
    dark = (x - black.view(1, 3, 1, 1)).abs().amax(1) < 1e-5  # (40, 64, 64)
    assert (dark.float().mean((1, 2)) > 0).sum() > 30

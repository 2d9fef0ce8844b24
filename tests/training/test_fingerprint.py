"""The fingerprint learns to know edits of real photos; edits keep shapes, ranges and chances."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from albumen.models.fingerprint import (
    Fingerprint,
    FingerprintConfig,
    GeneralisedMean,
    copy_loss,
    shannon_spread,
)
from albumen.training import edits
from albumen.training.fingerprint import CopyDetection, CopyDetectionConfig, Views
from albumen.training.loop import LoopConfig, Run, fit

SMALL = FingerprintConfig(widths=(8, 16, 16, 24), dim=16)
CONFIG = CopyDetectionConfig(size=32, batch=8)


def same(count: int) -> torch.Tensor:
    picture = torch.arange(2 * count) % count
    return picture[:, None] == picture[None]


def test_a_fingerprint_has_length_one() -> None:
    found = Fingerprint(SMALL).eval()(torch.rand(3, 3, 32, 32))
    assert found.shape == (3, 16)
    assert torch.allclose(found.norm(dim=1), torch.ones(3), atol=1e-5)


def test_the_generalised_mean_lies_between_average_and_maximum() -> None:
    x = torch.rand(2, 4, 5, 5)
    average, mean, most = x.mean((2, 3)), GeneralisedMean(3.0)(x), x.amax((2, 3))
    assert (average <= mean + 1e-6).all()
    assert (mean <= most).all()
    assert torch.allclose(GeneralisedMean(1.0)(x), average, atol=1e-5)


def test_the_loss_is_least_where_views_agree_and_others_differ() -> None:
    apart = torch.eye(4)
    agreed = torch.cat([apart, apart])
    mixed = torch.cat([apart, apart.roll(1, 0)])
    assert copy_loss(agreed, same(4), 0.1) < copy_loss(mixed, same(4), 0.1) - 1


def test_spread_is_greater_where_pictures_lie_apart() -> None:
    apart = torch.eye(4).repeat(2, 1)
    near = torch.nn.functional.normalize(torch.ones(8, 4) + 0.1 * apart, dim=1)
    assert shannon_spread(apart, same(4)) > shannon_spread(near, same(4))


@pytest.mark.parametrize("strength", [edits.STRONG, edits.MILD])
def test_edited_pictures_keep_their_range(pictures: np.ndarray, strength: edits.Edits) -> None:
    found = edits.edited(pictures, 48, strength, np.random.default_rng(0))
    assert found.shape == (16, 3, 48, 48)
    assert torch.isfinite(found).all()
    assert 0 <= float(found.min()) <= float(found.max()) <= 255


def test_without_any_chance_a_picture_is_only_resized(pictures: np.ndarray) -> None:
    nothing = edits.Edits(
        cropped=0, stretch=1, padded=0, quarter_turned=0, turned=0, recoloured=0, grey=0,
        pasted=0, captioned=0, coarse=0, blurred=0, noisy=0, jpeg=0,
    )  # fmt: skip
    found = edits.edited(pictures, 64, nothing, np.random.default_rng(0))
    wanted = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    assert torch.allclose(found, wanted, atol=0.5)


def test_views_of_a_step_are_the_same_whenever_they_are_made(pictures: np.ndarray) -> None:
    views = Views(pictures, np.arange(16), CONFIG)
    assert torch.equal(views(3), views(3))
    assert not torch.equal(views(3), views(4))
    assert views(3).shape == (16, 3, 32, 32)


def test_training_brings_edits_to_their_photos(pictures: np.ndarray, tmp_path: Path) -> None:
    torch.manual_seed(0)
    task = CopyDetection(Fingerprint(SMALL), CopyDetectionConfig(size=32, batch=8, spread=1.0))
    views = Views(pictures, np.arange(16), CONFIG, strong=edits.MILD)
    config = LoopConfig(steps=60, learning_rate=1e-3, warmup=5, log_every=1)
    fit(Run(task, config, tmp_path), views, lambda line: None)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    copies = [float(row["copies"]) for row in rows]
    assert np.mean(copies[-15:]) < 0.8 * np.mean(copies[:5])

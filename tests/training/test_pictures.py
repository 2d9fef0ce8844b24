"""Augmentation."""

import numpy as np
import torch

from albumen.training.pictures import Augmentation, augmented, normalised, relit

STILL = Augmentation(size=64, crops=(64,), brightness=0, contrast=0)


def test_a_recipe_that_changes_nothing_gives_the_picture_or_its_mirror_image(
    pictures: np.ndarray,
) -> None:
    x = augmented(pictures, np.arange(16), STILL, np.random.default_rng(0))
    plain = normalised(torch.from_numpy(pictures).permute(0, 3, 1, 2).float())
    mirrored = 0
    for found, wanted in zip(x, plain, strict=True):
        same = torch.allclose(found, wanted, atol=1e-5)
        mirrored += not same
        assert same or torch.allclose(found, wanted.flip(-1), atol=1e-5)
    assert 0 < mirrored < 16


def test_crops_have_the_size_asked_for_and_differ_from_batch_to_batch(pictures: np.ndarray) -> None:
    recipe = Augmentation(size=48, crops=(40, 64))
    rows = np.array([3, 5])
    one = augmented(pictures, rows, recipe, np.random.default_rng(1))
    other = augmented(pictures, rows, recipe, np.random.default_rng(2))
    again = augmented(pictures, rows, recipe, np.random.default_rng(1))
    assert one.shape == (2, 3, 48, 48)
    assert torch.equal(one, again)
    assert not torch.allclose(one, other)


def test_light_is_changed_around_the_mean_of_each_picture() -> None:
    x = torch.rand(4, 3, 8, 8) * 255
    flat = torch.full_like(x, 100.0)
    contrast, brightness = (
        torch.tensor([0.5, 0.8, 1.2, 1.5]).view(4, 1, 1, 1),
        torch.ones(4, 1, 1, 1),
    )
    lit = relit(flat.clone(), Augmentation(), contrast, brightness)
    torch.testing.assert_close(lit, normalised(flat))
    changed = relit(x.clone(), Augmentation(), contrast, brightness)
    assert not torch.allclose(changed, normalised(x))
    before = x.mean((1, 2, 3))
    after = (changed * torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)) + torch.tensor(
        [0.485, 0.456, 0.406]
    ).view(1, 3, 1, 1)
    torch.testing.assert_close(after.mean((1, 2, 3)) * 255, before, rtol=1e-4, atol=1e-2)

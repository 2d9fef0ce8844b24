"""Real photos as training pictures: crops of scikit-image's samples."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from albumen.training.distillation import Lesson
from albumen.training.pictures import Augmentation, augmented

NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


@pytest.fixture(scope="session")
def pictures(sample_photos: Path) -> np.ndarray:
    """uint8 (16, 64, 64, 3): the four quarters of each of four photos."""
    found = []
    for name in NAMES:
        photo = Image.open(sample_photos / name).convert("RGB").resize((128, 128))
        for left, top in ((0, 0), (64, 0), (0, 64), (64, 64)):
            found.append(np.asarray(photo.crop((left, top, left + 64, top + 64))))
    return np.stack(found)


@pytest.fixture(scope="session")
def lesson(pictures: np.ndarray) -> Lesson:
    """The sixteen pictures; the label of each is its photo, the teacher knows all but the last."""
    import torch

    random = np.random.default_rng(0)
    recipe = Augmentation(size=64, crops=(64,))
    generator = torch.Generator().manual_seed(0)
    return Lesson(
        pixels=augmented(pictures, np.arange(16), recipe, random),
        features=torch.rand(16, 24, generator=generator),
        logits=torch.randn(16, 10, generator=generator),
        taught=torch.arange(16) < 12,
        labels=torch.arange(16) // 4,
        allowed=torch.ones(16, 6, dtype=torch.bool),
    )

"""What several processes make of a batch, each its share, is what one makes of all of it."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.pets import captioned as pieces
from torch import Tensor

from albumen.models.resnet import ResNet, ResNetConfig
from albumen.training import captioned, processes
from albumen.training.captioned import CaptionedMaterial, Shown
from albumen.training.classifier import Batches, Blending
from albumen.training.fingerprint import CopyDetectionConfig, Views
from albumen.training.pictures import Augmentation

NAMES = 5
"""Where a question's names stand among the tensors of a `Naming`."""


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], list[list[Tensor]]]:
    """The tensors that two processes make, in the order of their fields, a list for each."""

    def of(make: Callable[[], Any]) -> list[list[Tensor]]:
        made = []
        for rank in range(2):
            with monkeypatch.context() as patch:
                patch.setattr(processes, "world", lambda: 2)
                patch.setattr(processes, "rank", lambda rank=rank: rank)
                made.append(tensors(make()))
        return made

    return of


def tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if not is_dataclass(value):
        return []
    return [t for field in fields(value) for t in tensors(getattr(value, field.name))]


def assert_together(shares: list[list[Tensor]], whole: list[Tensor]) -> None:
    for one, other, wanted in zip(*shares, whole, strict=True):
        assert torch.equal(torch.cat([one, other]), wanted)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_of_a_classifier(pictures: np.ndarray, shares, kind: str) -> None:
    rows = np.arange(16)
    views = Augmentation(32, (64, 48), padding=2)
    batches = Batches(pictures, rows // 4, rows, 12, views, Blending(**{kind: 1.0}))
    assert_together(shares(lambda: batches(3)), tensors(batches(3)))


@pytest.fixture
def material(tmp_path: Path) -> CaptionedMaterial:
    found = captioned.read(pieces(tmp_path / "pieces.tar"), 36, tmp_path / "read")
    texts = sorted({text for several in found.captions for text in several})
    tokenizer = captioned.train_tokenizer(texts, 300)
    row = {text: i for i, text in enumerate([*texts, "cat", "coffee", "rocket"])}
    random = np.random.default_rng(0)
    images, read = (random.random((n, 5), np.float32) for n in (len(found.pixels), len(row)))
    teacher = captioned.Teacher(images, read, row)
    shown = Shown(12, 0, ((2.0, 32),), 16, 0)
    made = CaptionedMaterial(found, np.arange(36), tokenizer, shown, teacher)
    to_their_longest, longer = made.tokens, "as long as any of these " * 9
    made.tokens = lambda texts: to_their_longest([*texts, longer])[:-1]
    return made


@pytest.mark.parametrize("stage", ["lesson", "sentences", "matches"])
def test_of_a_clip(material: CaptionedMaterial, shares, stage: str) -> None:
    made = lambda: getattr(material, stage)(3, 0.5)  # noqa: E731
    assert_together(shares(made), tensors(made()))


def test_of_a_clip_s_names(material: CaptionedMaterial, tmp_path: Path, shares) -> None:
    trunk = ResNet(ResNetConfig(widths=(8, 16), depths=(1, 1))).trunk
    batch = material.naming(trunk, tmp_path, lambda done, total: None)
    one, other, whole = *shares(lambda: batch(3, 0.5)), tensors(batch(3, 0.5))
    for named in (one, other):  # each process has all names
        assert torch.equal(named.pop(NAMES), whole[NAMES])
    assert_together([one, other], whole[:NAMES] + whole[NAMES + 1 :])


def test_of_a_fingerprint(pictures: np.ndarray, shares) -> None:
    views = Views(pictures, np.arange(16), CopyDetectionConfig(size=32, batch=16))
    both = [made.view(2, 8, 3, 32, 32) for (made,) in shares(lambda: views(3))]
    assert torch.equal(torch.cat(both, 1).flatten(0, 1), views(3))

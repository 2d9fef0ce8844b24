"""What a trunk learns from its teachers."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from albumen.training.distillation import DistillationWeights, Heads, Lesson, distillation_loss

ONLY_FEATURES = DistillationWeights(features=1.0, answers=0.0, labels=0.0)
ONLY_ANSWERS = DistillationWeights(features=0.0, answers=1.0, labels=0.0)
ONLY_LABELS = DistillationWeights(features=0.0, answers=0.0, labels=1.0)


@pytest.fixture
def heads() -> Heads:
    torch.manual_seed(0)
    return Heads(channels=16, features=24, classes=10, labels=6)


@pytest.fixture
def seen() -> torch.Tensor:
    return torch.randn(16, 16, generator=torch.Generator().manual_seed(1))


def test_a_trunk_that_says_what_its_teacher_says_has_nothing_to_learn(
    heads: Heads, seen: torch.Tensor, lesson: Lesson
) -> None:
    echo = replace(lesson, features=heads.features(seen) * 3, logits=heads.answers(seen) + 5)
    for weights in (ONLY_FEATURES, ONLY_ANSWERS):
        loss, _ = distillation_loss(seen, heads, echo, weights)
        assert loss.item() == pytest.approx(0, abs=1e-5)


def test_answers_are_compared_by_their_divergence(
    heads: Heads, seen: torch.Tensor, lesson: Lesson
) -> None:
    loss, _ = distillation_loss(seen, heads, lesson, ONLY_ANSWERS)
    taught = lesson.taught
    p, q = lesson.logits[taught].softmax(1), heads.answers(seen)[taught].softmax(1)
    assert loss.item() == pytest.approx((p * (p / q).log()).sum(1).mean().item(), rel=1e-4)


def test_pictures_that_the_teacher_never_saw_are_left_out(
    heads: Heads, seen: torch.Tensor, lesson: Lesson
) -> None:
    nonsense = lesson.logits.clone()
    nonsense[~lesson.taught] = 1e4
    for weights in (ONLY_FEATURES, ONLY_ANSWERS):
        loss, _ = distillation_loss(seen, heads, lesson, weights)
        same, _ = distillation_loss(seen, heads, replace(lesson, logits=nonsense), weights)
        assert loss == same


def test_a_label_competes_only_with_the_labels_of_its_own_set(
    heads: Heads, seen: torch.Tensor, lesson: Lesson
) -> None:
    allowed = torch.zeros(16, 6, dtype=torch.bool)
    allowed[:, :4] = True
    loss, _ = distillation_loss(seen, heads, replace(lesson, allowed=allowed), ONLY_LABELS)
    wanted = F.cross_entropy(heads.labels(seen)[:, :4], lesson.labels)
    torch.testing.assert_close(loss, wanted)


def test_pictures_without_a_label_are_left_out(
    heads: Heads, seen: torch.Tensor, lesson: Lesson
) -> None:
    labels = lesson.labels.clone()
    labels[8:] = -1
    loss, _ = distillation_loss(seen, heads, replace(lesson, labels=labels), ONLY_LABELS)
    torch.testing.assert_close(loss, F.cross_entropy(heads.labels(seen)[:8], labels[:8]))

"""Naming: only words and projection learn, and a name counts only within its picture's own set."""

import pytest
import torch
from torch import Tensor, nn

from albumen.models.clip import CLIP, CLIPConfig, TextConfig
from albumen.models.resnet import ResNetConfig
from albumen.training.contrastive import Sentences
from albumen.training.distillation import Heads
from albumen.training.naming import Naming, NamingTask, Question

FEATURES, DIM, SENTENCE, END = 16, 8, 6, 2


@pytest.fixture
def task() -> NamingTask:
    torch.manual_seed(0)
    image = ResNetConfig((1, 1), (8, FEATURES))
    clip = CLIP(CLIPConfig(DIM, image, TextConfig(30, 8, 16, 1, 2, end_id=END)))
    heads = Heads(FEATURES, 10, 10, 4)
    return NamingTask(clip, heads, nn.Linear(DIM, SENTENCE), sentences=1.0)


def texts(count: int) -> Tensor:
    ids = torch.randint(3, 30, (count, 5))
    ids[:, -1] = END
    return ids


@pytest.fixture
def batch() -> Naming:
    torch.manual_seed(1)
    allowed = torch.tensor([[True, True, False, False]] * 3 + [[False, False, True, True]] * 2)
    question = Question(torch.rand(5, FEATURES), texts(4), allowed, torch.tensor([0, 1, 1, 2, 3]))
    truth = torch.cat([torch.eye(4), torch.zeros(4, 2)], 1)
    said = Sentences(texts(9), torch.randn(9, SENTENCE))
    return Naming(torch.rand(4, FEATURES), said, truth, question)


def test_the_trunk_stays_and_everything_else_learns(task: NamingTask, batch: Naming) -> None:
    learning = {id(p) for group in task.groups() for p in _listed(group["params"])}
    task.loss(batch)[0].backward()
    for name, parameter in task.module.named_parameters():
        locked = name.startswith(("clip.image.trunk", "heads"))
        assert (parameter.grad is None) == locked, name
        assert (id(parameter) in learning) != locked, name


def _listed(parameters: object) -> list[Tensor]:
    return list(parameters) if isinstance(parameters, list) else [parameters]


def test_a_picture_is_asked_among_the_names_of_its_own_set(task: NamingTask, batch: Naming) -> None:
    _, figures = task.loss(batch)
    seen = task.embed(batch.question.features)
    logits = task.clip.scale * seen @ task.clip.text(batch.question.names).T
    first = nn.functional.cross_entropy(logits[:3, :2], torch.tensor([0, 1, 1]), reduction="sum")
    second = nn.functional.cross_entropy(logits[3:, 2:], torch.tensor([0, 1]), reduction="sum")
    assert figures["named"] == pytest.approx(((first + second) / 5).item(), rel=1e-5)


def test_averaged_features_give_the_embedding_of_their_places(task: NamingTask) -> None:
    places = torch.rand(3, FEATURES, 2, 2)
    torch.testing.assert_close(
        task.embed(places.mean((2, 3))), task.clip.image.embed(places)[0], rtol=1e-5, atol=1e-6
    )

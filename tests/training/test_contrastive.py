"""Both towers learning together."""

import csv
from pathlib import Path

import torch
from torch import nn

from albumen.models.clip import CLIP, CLIPConfig, TextConfig
from albumen.models.resnet import ResNetConfig
from albumen.training.contrastive import (
    Contrastive,
    ContrastiveWeights,
    Matches,
    SentenceDistillation,
    Sentences,
)
from albumen.training.distillation import DistillationWeights, Heads, Lesson
from albumen.training.loop import LoopConfig, Run, fit

CONFIG = CLIPConfig(
    dim=16,
    image=ResNetConfig(widths=(8, 8, 16, 16), depths=(1, 1, 1, 1)),
    text=TextConfig(vocabulary=20, context=6, width=16, layers=1, heads=2, end_id=2),
)


def matches(lesson: Lesson) -> Matches:
    """Four photos in four pieces each, and one word a photo: a piece matches its photo's word."""
    photo = lesson.labels
    ids = torch.stack([torch.tensor([1, 5 + int(p), 2]) for p in photo])
    embeds = torch.eye(4)[photo]
    texts = Sentences(torch.cat([ids, ids[:2]]), torch.cat([embeds, embeds[:2]]))
    return Matches(lesson, texts, (photo[:, None] == photo[None]).float())


def new_task() -> Contrastive:
    torch.manual_seed(0)
    weights = ContrastiveWeights(speed=1.0)
    heads, sentence = Heads(16, 24, 10, 6), nn.Linear(16, 4)
    return Contrastive(CLIP(CONFIG), heads, sentence, weights, DistillationWeights())


def test_training_brings_pieces_of_real_photos_to_their_words(
    lesson: Lesson, tmp_path: Path
) -> None:
    task, batch = new_task(), matches(lesson)
    config = LoopConfig(steps=60, learning_rate=5e-3, warmup=5, log_every=1)
    fit(Run(task, config, tmp_path), lambda step: batch, lambda line: None)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert float(rows[-1]["matched"]) < float(rows[0]["matched"]) - 0.5
    with torch.no_grad():
        logits = task.clip(lesson.pixels, torch.tensor([[1, 5 + i, 2] for i in range(4)]))
    assert (logits.argmax(1) == lesson.labels).float().mean() >= 0.8


def test_every_parameter_learns_and_is_in_one_group_only(lesson: Lesson) -> None:
    task = new_task()
    loss, _ = task.loss(matches(lesson))
    loss.backward()
    parameters = list(task.module.parameters())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in parameters)
    grouped = [id(p) for group in task.groups() for p in group["params"]]
    assert sorted(grouped) == sorted(map(id, parameters))


def test_the_text_tower_learns_what_the_sentence_teacher_says(tmp_path: Path) -> None:
    torch.manual_seed(0)
    clip = CLIP(CONFIG)
    task = SentenceDistillation(clip.text, nn.Linear(16, 4))
    words = torch.arange(8)
    batch = Sentences(
        torch.stack([torch.tensor([1, 5 + int(w), 2]) for w in words]), torch.eye(4)[words % 4]
    )
    before, _ = task.loss(batch)
    config = LoopConfig(steps=60, learning_rate=5e-3, warmup=5)
    fit(Run(task, config, tmp_path), lambda step: batch, lambda line: None)
    after, _ = task.loss(batch)
    assert after < 0.3 * before

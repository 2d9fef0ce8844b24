"""The loop: its schedule, its checkpoints, its average, its log."""

import csv
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from albumen.models.resnet import ResNetConfig, Trunk
from albumen.training.distillation import Distillation, DistillationWeights, Heads, Lesson
from albumen.training.loop import LoopConfig, Run, decayed_apart, fit, rate_at


def new_task() -> Distillation:
    torch.manual_seed(0)
    trunk = Trunk(ResNetConfig(widths=(8, 8, 16, 16), depths=(1, 1, 1, 1)))
    return Distillation(trunk, Heads(16, 24, 10, 6), DistillationWeights())


def quiet(line: str) -> None:
    assert line


def test_a_few_steps_on_real_photos_lower_the_loss(lesson: Lesson, tmp_path: Path) -> None:
    run = Run(new_task(), LoopConfig(steps=30, learning_rate=3e-3, warmup=3, log_every=1), tmp_path)
    fit(run, lambda step: lesson, quiet)
    losses = [float(row["loss"]) for row in csv.DictReader((tmp_path / "log.csv").open())]
    assert len(losses) == 30
    assert losses[-1] < 0.6 * losses[0]


def test_an_interrupted_run_ends_with_the_weights_of_one_that_was_not(
    lesson: Lesson, tmp_path: Path
) -> None:
    def batch_of(step: int) -> Lesson:
        chosen = torch.arange(16).roll(step)[:8]
        return Lesson(**{name: value[chosen] for name, value in vars(lesson).items()})

    config = LoopConfig(steps=8, learning_rate=1e-3, warmup=2, checkpoint_every=3)
    whole = Run(new_task(), config, tmp_path / "whole")
    fit(whole, batch_of, quiet)
    first = Run(new_task(), config, tmp_path / "parts")
    for step in range(5):  # dies two steps after its checkpoint
        first.advance(batch_of(step))
        if first.step == 3:
            first.save()
    second = Run(new_task(), config, tmp_path / "parts")
    assert second.resume()
    assert second.step == 3
    fit(second, batch_of, quiet)
    for name, value in whole.task.module.state_dict().items():
        assert torch.equal(value, second.task.module.state_dict()[name]), name
        assert torch.equal(whole.average[name], second.average[name]), name


def test_a_run_without_a_checkpoint_starts_at_the_beginning(tmp_path: Path) -> None:
    run = Run(new_task(), LoopConfig(steps=1, learning_rate=1e-3), tmp_path)
    assert not run.resume()
    assert run.step == 0


def test_a_run_may_stop_before_its_schedule_ends(lesson: Lesson, tmp_path: Path) -> None:
    config = LoopConfig(steps=100, learning_rate=1e-3, until=2)
    run = Run(new_task(), config, tmp_path)
    fit(run, lambda step: lesson, quiet)
    assert run.step == 2
    assert run.checkpoint.exists()


def test_the_rate_rises_then_falls_to_zero() -> None:
    config = LoopConfig(steps=100, learning_rate=1.0, warmup=10)
    rates = [rate_at(step, config) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[100] == pytest.approx(0, abs=1e-9)


class Descent:
    """The task of bringing one weight to zero: its gradient is 1 everywhere."""

    def __init__(self) -> None:
        self.module = nn.Linear(1, 1, bias=False)
        nn.init.ones_(self.module.weight)

    def groups(self) -> list[dict[str, Any]]:
        return decayed_apart(self.module, speed=0.5)

    def loss(self, batch: Any) -> tuple[Tensor, dict[str, float]]:
        return self.module.weight.float().sum(), {}


def test_a_groups_speed_multiplies_its_rate(tmp_path: Path) -> None:
    config = LoopConfig(steps=10, learning_rate=0.1, warmup=1, weight_decay=0.0)
    run = Run(Descent(), config, tmp_path)
    run.advance(None)
    # Adam's first step is the rate itself, whatever the gradient's size.
    assert run.task.module.weight.item() == pytest.approx(1 - 0.5 * 0.1, abs=1e-6)


def test_the_average_lies_among_the_weights_it_follows(tmp_path: Path) -> None:
    run = Run(Descent(), LoopConfig(steps=50, learning_rate=0.01, warmup=1), tmp_path)
    seen = []
    for _ in range(50):
        run.advance(None)
        seen.append(run.task.module.weight.item())
    assert min(seen) < run.average["weight"].item() < max(seen)


def test_scales_and_biases_do_not_decay() -> None:
    matrices, others = decayed_apart(nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3)))
    assert [p.ndim for p in matrices["params"]] == [2]
    assert [p.ndim for p in others["params"]] == [1, 1, 1]
    assert others["weight_decay"] == 0.0

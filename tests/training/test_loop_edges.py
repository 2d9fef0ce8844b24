"""What goes wrong in a run is told in words, and nothing that was saved is lost by it."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.full_disk import full_disk
from torch import Tensor, nn

from albumen.training import checkpoint, log
from albumen.training.errors import TrainingError
from albumen.training.loop import LoopConfig, Progress, Run, decayed_apart, fit
from albumen.training.processes import SyncedBatchNorm, sync_batch_norm


class Line:
    """The task of fitting a line to points (N, 2), with as many weights as `wide`."""

    def __init__(self, wide: int = 1) -> None:
        torch.manual_seed(0)
        self.module = nn.Linear(wide, 1)

    def groups(self) -> list[dict[str, Any]]:
        return decayed_apart(self.module)

    def loss(self, batch: Tensor) -> tuple[Tensor, dict[str, float]]:
        apart = self.module(batch[:, :-1]) - batch[:, -1:]
        return apart.square().mean(), {"most": apart.abs().max().item()}


CONFIG = LoopConfig(
    steps=20, learning_rate=0.05, warmup=2, log_every=1, checkpoint_every=5, precision="32-true"
)


def points(number: int) -> Tensor:
    x = torch.randn(8, 1, generator=torch.Generator().manual_seed(number))
    return torch.cat([x, 3 * x + 1], 1)


def quiet(progress: Progress) -> None:
    assert str(progress)


def test_a_loss_that_is_no_number_ends_the_run_and_leaves_its_checkpoint(tmp_path: Path) -> None:
    run = Run(Line(), CONFIG, tmp_path)

    def spoilt(number: int) -> Tensor:
        return points(number) * (float("inf") if number == 7 else 1)

    with pytest.raises(
        TrainingError, match=r"became nan in step 8, at a learning rate of 0\.0\d+;"
    ):
        fit(run, spoilt, quiet)
    weights = checkpoint.read_state(run.checkpoint)
    assert weights.about["step"] == 5
    assert all(value.isfinite().all() for value in weights.module.values())
    assert all(value.isfinite().all() for value in run.task.module.state_dict().values())


def test_a_checkpoint_of_another_architecture_is_refused_and_kept(tmp_path: Path) -> None:
    fit(Run(Line(), CONFIG, tmp_path), points, quiet)
    before = (tmp_path / checkpoint.LAST).read_bytes()
    with pytest.raises(
        TrainingError, match=r"another architecture: weight is \(1, 1\) there and \(1, 2\) here"
    ):
        Run(Line(2), CONFIG, tmp_path).resume()
    assert (tmp_path / checkpoint.LAST).read_bytes() == before


def test_a_damaged_checkpoint_is_told_of(tmp_path: Path) -> None:
    fit(Run(Line(), CONFIG, tmp_path), points, quiet)
    whole = (tmp_path / checkpoint.LAST).read_bytes()
    (tmp_path / checkpoint.LAST).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TrainingError, match=r"last\.safetensors is damaged"):
        Run(Line(), CONFIG, tmp_path).resume()


def test_a_full_disk_ends_the_run_with_the_checkpoint_before(tmp_path: Path) -> None:
    run = Run(Line(), CONFIG, tmp_path)
    disk = ExitStack()

    def until_the_disk_is_full(number: int) -> Tensor:
        if number == 7:
            disk.enter_context(full_disk())
        return points(number)

    with disk, pytest.raises(OSError, match="No space left"):
        fit(run, until_the_disk_is_full, quiet)
    assert checkpoint.read_state(run.checkpoint).about["step"] == 5
    again = Run(Line(), CONFIG, tmp_path)  # the failed attempt has cleared up after itself
    assert again.resume()
    fit(again, points, quiet)
    assert again.step == 20


def test_the_curve_of_a_run_that_died_goes_on_bit_for_bit(tmp_path: Path) -> None:
    fit(Run(Line(), CONFIG, tmp_path / "whole"), points, quiet)
    died = Run(Line(), CONFIG, tmp_path / "died")

    def dies(number: int) -> Tensor:
        if number == 13:
            raise RuntimeError("power cut")
        return points(number)

    with pytest.raises(RuntimeError, match="power cut"):
        fit(died, dies, quiet)
    assert len(log.read(tmp_path / "died/log.csv")) > 10  # steps that no checkpoint knows of
    again = Run(Line(), CONFIG, tmp_path / "died")
    assert again.resume()
    assert again.step == 10
    fit(again, points, quiet)
    whole, parts = (log.read(tmp_path / name / "log.csv") for name in ("whole", "died"))
    for row in (*whole, *parts):
        del row["seconds"]
    assert parts == whole


def test_ctrl_c_ends_the_run_after_the_step_with_a_checkpoint(tmp_path: Path) -> None:
    run = Run(Line(), CONFIG, tmp_path)

    def interrupted(progress: Progress) -> None:
        if progress.step == 8:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(run, points, interrupted)
    assert checkpoint.read_state(run.checkpoint).about["step"] == 8
    again = Run(Line(), CONFIG, tmp_path)
    again.resume()
    fit(again, points, quiet)
    assert [row["step"] for row in log.read(tmp_path / "log.csv")] == list(range(1, 21))


def test_gradients_of_several_batches_make_one_step(tmp_path: Path) -> None:
    halves = [points(0)[:4], points(0)[4:]]
    run, together = (Run(Line(), CONFIG, tmp_path / name) for name in ("parts", "whole"))
    figures = run.advance(*halves)
    assert figures["loss"] == pytest.approx(together.advance(points(0))["loss"])
    for name, value in together.task.module.state_dict().items():
        torch.testing.assert_close(run.task.module.state_dict()[name], value)


def test_the_best_weights_are_those_of_the_highest_figure(tmp_path: Path) -> None:
    config = LoopConfig(20, 0.05, warmup=2, precision="32-true", evaluate_every=5, average=0.0)
    scores = iter([0.5, 0.9, 0.7, 0.8])
    seen = []

    def judge() -> dict[str, float]:
        seen.append({name: v.clone() for name, v in run.task.module.state_dict().items()})
        return {"score": next(scores), "other": 1.0}

    run = Run(Line(), config, tmp_path, about={"kind": "line"})
    fit(run, points, quiet, judge)
    best, about = checkpoint.read(tmp_path / checkpoint.BEST)
    assert about == {"kind": "line", "step": 10, "score": 0.9, "other": 1.0}
    assert all(torch.equal(best[name], value) for name, value in seen[1].items())
    rows = log.read(tmp_path / "evaluation.csv")
    assert [row["score"] for row in rows] == [0.5, 0.9, 0.7, 0.8]


def test_judging_uses_the_averaged_weights_and_changes_nothing(tmp_path: Path) -> None:
    run = Run(Line(), CONFIG, tmp_path)
    for number in range(3):
        run.advance(points(number))
    own = {name: value.clone() for name, value in run.task.module.state_dict().items()}
    with run.averaged() as module:
        assert not module.training
        assert torch.equal(module.weight, run.average["weight"])
        assert not torch.equal(module.weight, own["weight"])
    assert all(torch.equal(v, own[name]) for name, v in run.task.module.state_dict().items())


def test_synced_batch_norm_alone_is_batch_norm() -> None:
    plain = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    names = list(plain.state_dict())
    x = torch.randn(5, 3, 6, 6)
    wanted = plain(x)
    sync_batch_norm(plain)
    assert isinstance(plain[1], SyncedBatchNorm)
    assert list(plain.state_dict()) == names
    torch.testing.assert_close(plain(x), wanted)

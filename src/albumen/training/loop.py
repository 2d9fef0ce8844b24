"""The one training loop: it knows how to train, and nothing of what is trained.

A task brings its parameters and its loss, a function gives the batch of any step. As a batch
depends on nothing but its step, a run that was interrupted goes on exactly as it would have.
"""

import csv
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast to learn.

    The rate rises over `warmup` steps and falls to zero at `steps` along a cosine; a run may stop
    before, `until` some step. `average` is the decay of the running average of the weights, which
    is what a run gives in the end.
    """

    steps: int
    learning_rate: float
    warmup: int = 200
    weight_decay: float = 0.05
    average: float = 0.998
    clip: float = 5.0
    log_every: int = 25
    checkpoint_every: int = 500
    until: int | None = None

    @property
    def last(self) -> int:
        """The step after which the run ends."""
        return self.steps if self.until is None else min(self.until, self.steps)


class Task(Protocol):
    """What the loop trains: `loss` gives what to minimise, and figures for the log."""

    @property
    def module(self) -> nn.Module:
        """Everything with weights to learn or buffers to keep."""

    def groups(self) -> list[dict[str, Any]]:
        """The parameters as optimiser groups; "speed" multiplies the rate of its group."""

    def loss(self, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """The loss of one batch, a scalar, and figures of interest."""


def rate_at(step: int, config: LoopConfig) -> float:
    """The learning rate of a step, counted from 0."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    progress = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def decayed_apart(module: nn.Module, speed: float = 1.0) -> list[dict[str, Any]]:
    """Two optimiser groups: matrices and filters decay; scales, biases and scalars do not."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    matrices = [p for p in parameters if p.ndim > 1]
    others = [p for p in parameters if p.ndim <= 1]
    return [
        {"params": matrices, "speed": speed},
        {"params": others, "speed": speed, "weight_decay": 0.0},
    ]


class Run:
    """One training run: the task, its optimiser, the averaged weights, and where it stands."""

    def __init__(self, task: Task, config: LoopConfig, folder: Path) -> None:
        self.task, self.config, self.folder, self.step = task, config, folder, 0
        self.optimizer = torch.optim.AdamW(
            task.groups(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.average = {k: v.clone() for k, v in task.module.state_dict().items()}
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """The file that a run is resumed from."""
        return self.folder / "checkpoint.pt"

    def resume(self) -> bool:
        """Go on from the folder's checkpoint, if there is one."""
        if not self.checkpoint.exists():
            return False
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        self.task.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average, self.step = state["average"], state["step"]
        return True

    def save(self) -> None:
        """Write the checkpoint; a run that dies while writing leaves the one before."""
        state = {
            "module": self.task.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "step": self.step,
        }
        fresh = self.checkpoint.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.checkpoint)

    def advance(self, batch: Any) -> dict[str, float]:
        """One step of optimisation; returns the figures for the log."""
        rate = rate_at(self.step, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("speed", 1.0)
        self.task.module.train()
        with torch.autocast("cpu", torch.bfloat16):
            loss, figures = self.task.loss(batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.task.module.parameters(), self.config.clip)
        self.optimizer.step()
        self.step += 1
        self._follow()
        return {"loss": loss.item(), "rate": rate} | figures

    @torch.no_grad()
    def _follow(self) -> None:
        # The average starts as a plain mean, so that the random first weights do not linger in it.
        decay = min(self.config.average, self.step / (self.step + 10))
        for name, value in self.task.module.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)


def fit(run: Run, batch_of: Callable[[int], Any], say: Callable[[str], None] = print) -> None:
    """Train to the last step, with a line in `log.csv` and a word every `log_every` steps."""
    config, log, first, started = run.config, run.folder / "log.csv", run.step, time.monotonic()
    with log.open("a", newline="") as file:
        while run.step < config.last:
            figures = run.advance(batch_of(run.step))
            if run.step % config.log_every == 0 or run.step == config.last:
                elapsed = time.monotonic() - started
                pace = (run.step - first) / elapsed
                _log(file, {"step": run.step, "seconds": round(elapsed, 1)} | figures)
                say(progress_line(run.step, config.last, pace, figures))
            if run.step % config.checkpoint_every == 0 or run.step == config.last:
                run.save()


def progress_line(step: int, steps: int, pace: float, figures: dict[str, float]) -> str:
    """Where the run stands, in words: step, pace, time left, figures."""
    left = (steps - step) / pace / 60
    shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    return f"step {step} of {steps}, {pace:.2f} a second, {left:.1f} min left: {shown}"


def _log(file: TextIO, row: dict[str, float]) -> None:
    writer = csv.DictWriter(file, fieldnames=list(row))
    if file.tell() == 0:
        writer.writeheader()
    writer.writerow({k: f"{v:.6g}" for k, v in row.items()})
    file.flush()

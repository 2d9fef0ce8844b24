"""The one training loop: it knows how to train, and nothing of what is trained.

A task brings its parameters and its loss, a function gives the batch of any number. As a batch
depends on nothing but its number, a run that was interrupted goes on exactly as it would have.
Lightning Fabric brings precision, devices and further processes; all else can be read here.
"""

import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from albumen.errors import UsageError
from albumen.training import checkpoint, processes
from albumen.training.ahead import Ahead
from albumen.training.checkpoint import BEST, LAST, State, Weights
from albumen.training.errors import TrainingError
from albumen.training.log import Log
from albumen.training.processes import Precision
from albumen.training.stopping import Stopping


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast to learn.

    The rate rises over `warmup` steps and falls to zero at `steps` along a cosine; a run may stop
    before, `until` some step. `average` is the decay of the running average of the weights, which
    is what a run gives in the end. A step takes the gradients of `accumulate` batches together.
    `evaluate_every`: steps between two judgements, 0 for one at the end.
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
    optimizer: Literal["adamw", "sgd"] = "adamw"
    accumulate: int = 1
    precision: Precision = "bf16-mixed"
    evaluate_every: int = 0

    @property
    def last(self) -> int:
        """The step after which the run ends."""
        return self.steps if self.until is None else min(self.until, self.steps)


class Task(Protocol):
    """What the loop trains: `loss` gives what to minimise, and figures for the log.

    With several processes both are of this process's share of the batch; their averages count.
    """

    @property
    def module(self) -> nn.Module:
        """Everything with weights to learn or buffers to keep."""

    def groups(self) -> list[dict[str, Any]]:
        """The parameters as optimiser groups; "speed" multiplies the rate of its group."""

    def loss(self, batch: Any) -> tuple[Tensor, dict[str, float]]:
        """The loss of one batch, a scalar, and figures of interest."""


Module = TypeVar("Module", bound=nn.Module)
Judge = Callable[[], dict[str, float]]
"""Gives figures of the task's module as it is now; by the first, higher is better."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands; `pace` is in steps a second. As text it is a line for people."""

    step: int
    steps: int
    pace: float
    figures: dict[str, float]

    @property
    def seconds_left(self) -> float:
        """How long the rest will take at this pace."""
        return (self.steps - self.step) / self.pace

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        left = f"{self.seconds_left / 60:.1f} min left"
        return f"step {self.step} of {self.steps}, {self.pace:.2f} a second, {left}: {shown}"


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


def channels_last(module: Module) -> Module:
    """The module, its filters lying in memory as convolutions are fastest with."""
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def compiled(module: Module) -> Module:
    """The module, compiled when it is first called, in place: the names of its weights stay.

    Each shape has a graph of its own: what is computed does not depend on what was before, so runs
    still go on bit for bit. Raises `UsageError` where nothing can be compiled.
    """
    if processes.world() > 1:
        raise UsageError("--compile is for one process: leave out --processes")
    if not any(map(shutil.which, (os.environ.get("CXX", "g++"), "clang++", "c++"))):
        raise UsageError("--compile needs a C++ compiler (g++, clang++): install one, or leave it")
    module.compile(dynamic=False)
    return module


def _optimizer(groups: list[dict[str, Any]], config: LoopConfig) -> torch.optim.Optimizer:
    shared: dict[str, Any] = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=0.9, nesterov=True, fused=True, **shared)
    return torch.optim.AdamW(groups, fused=True, **shared)


class _Step(nn.Module):
    """The task as Fabric and DDP want it: one module whose forward pass is the loss."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.module, self._task = task.module, task
        self.batch: Any = None

    def forward(self) -> Tensor:
        # The batch comes by the side door: Fabric would round what comes as an argument.
        loss, self.figures = self._task.loss(self.batch)
        return loss


class Run:
    """One training run: the task, its optimiser, the averaged weights, and where it stands.

    `about` is kept with the weights: what one has to know to use them.
    """

    def __init__(
        self,
        task: Task,
        config: LoopConfig,
        folder: Path,
        fabric: Fabric | None = None,
        about: dict[str, Any] | None = None,
    ) -> None:
        self.task, self.config, self.folder, self.step = task, config, folder, 0
        self.fabric = fabric or processes.fabric(config.precision)
        self.about, self.best = about or {}, -math.inf
        if processes.world() > 1:
            processes.sync_batch_norm(task.module)
        self._step = _Step(task)
        self._wrapped, optimizer = self.fabric.setup(self._step, _optimizer(task.groups(), config))
        self.optimizer: torch.optim.Optimizer = optimizer
        self.average = {k: v.clone() for k, v in task.module.state_dict().items()}
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def checkpoint(self) -> Path:
        """The file that a run is resumed from."""
        return self.folder / LAST

    def resume(self) -> bool:
        """Go on from the folder's checkpoint, if there is one."""
        if not self.checkpoint.exists():
            return False
        state = checkpoint.read_state(self.checkpoint)
        self._refuse_another(state.module)
        self.task.module.load_state_dict(state.module)
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        for number, memory in state.optimizer["state"].items():
            for name, value in memory.items():
                like = parameters[number]
                if value.shape == like.shape:  # in the parameter's own order in memory
                    memory[name] = torch.empty_like(like).copy_(value)
        self.optimizer.load_state_dict(state.optimizer)
        for name, value in state.average.items():
            self.average[name].copy_(value)
        self.step, self.best = state.about["step"], state.about["best"] or -math.inf
        return True

    def _refuse_another(self, found: Weights) -> None:
        own = {name: tuple(value.shape) for name, value in self.task.module.state_dict().items()}
        theirs = {name: tuple(value.shape) for name, value in found.items()}
        if own != theirs:
            name = next(n for n in [*own, *theirs] if own.get(n) != theirs.get(n))
            raise TrainingError(
                f"{self.checkpoint} is of another architecture: {name} is {theirs.get(name, '-')} "
                f"there and {own.get(name, '-')} here; choose another folder for this run"
            )

    def save(self) -> None:
        """Write the checkpoint; a run that dies while writing leaves the one before."""
        if processes.rank() > 0:
            return
        best = None if math.isinf(self.best) else self.best
        about = self.about | {"step": self.step, "best": best}
        module, memory = self.task.module.state_dict(), self.optimizer.state_dict()
        checkpoint.write_state(self.checkpoint, State(module, self.average, memory, about))

    def advance(self, *batches: Any) -> dict[str, float]:
        """One step of optimisation by these batches; returns the figures for the log."""
        rate = rate_at(self.step, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("speed", 1.0)
        self.task.module.train()
        self.optimizer.zero_grad(set_to_none=True)
        parts: list[dict[str, float]] = []
        for batch in batches:
            self._step.batch = moved(batch, self.fabric.device)
            waiting = processes.world() > 1 and len(parts) + 1 < len(batches)
            with self.fabric.no_backward_sync(self._wrapped, enabled=waiting):
                loss = self._wrapped()
                parts.append(self._of_all({"loss": loss.item()} | self._step.figures))
                self._refuse_nonsense(parts[-1]["loss"], rate)
                self.fabric.backward(loss / len(batches))
        if self.config.clip:
            nn.utils.clip_grad_norm_(self.task.module.parameters(), self.config.clip)
        self.optimizer.step()
        self.step += 1
        self._follow()
        figures = {name: sum(part[name] for part in parts) / len(parts) for name in parts[0]}
        return {"loss": figures.pop("loss"), "rate": rate} | figures

    def _of_all(self, figures: dict[str, float]) -> dict[str, float]:
        """The figures' means over all processes."""
        if processes.world() == 1:
            return figures
        own = torch.tensor([*figures.values()], device=self.fabric.device)
        means = processes.summed(own) / processes.world()
        return dict(zip(figures, means.tolist(), strict=True))

    def _refuse_nonsense(self, loss: float, rate: float) -> None:
        if not math.isfinite(loss):
            kept = (
                "the last checkpoint is as it was"
                if self.checkpoint.exists()
                else "nothing was saved yet"
            )
            raise TrainingError(
                f"the loss became {loss} in step {self.step + 1}, at a learning rate of "
                f"{rate:.3g}; {kept}: try a lower rate, or a longer warm-up"
            )

    @torch.no_grad()
    def _follow(self) -> None:
        # The average starts as a plain mean, so that the random first weights do not linger in it.
        decay = min(self.config.average, self.step / (self.step + 10))
        for name, value in self.task.module.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)

    @contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """The task's module with the averaged weights, in evaluation mode; then as it was."""
        module = self.task.module
        own = {name: value.clone() for name, value in module.state_dict().items()}
        module.load_state_dict(self.average)
        try:
            with torch.inference_mode():
                yield module.eval()
        finally:
            module.load_state_dict(own)

    def judge(self, by: Judge) -> dict[str, float]:
        """Figures of the averaged weights, which are kept as `BEST` if they are the best so far."""
        with self.averaged():
            figures = by()
        score = next(iter(figures.values()))
        if score > self.best:
            self.best = score
            about = self.about | {"step": self.step} | figures
            checkpoint.write(self.folder / BEST, self.average, about)
        return figures


def moved(batch: Any, device: torch.device) -> Any:
    """The batch with every tensor on `device`; dataclasses, tuples and dicts are gone through."""
    if device.type == "cpu":
        return batch
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    if is_dataclass(batch) and not isinstance(batch, type):
        own = {field.name: getattr(batch, field.name) for field in fields(batch)}
        return replace(batch, **{name: moved(value, device) for name, value in own.items()})
    if isinstance(batch, dict):
        return {name: moved(value, device) for name, value in batch.items()}
    if isinstance(batch, tuple | list):
        return type(batch)(moved(value, device) for value in batch)
    return batch


def fit(
    run: Run,
    batch_of: Callable[[int], Any],
    say: Callable[[Progress], None] = print,
    judge: Judge | None = None,
) -> None:
    """Train to the last step, with a line in `log.csv` and a word every `log_every` steps.

    `batch_of` gives this process's share of the batch of any number; it is asked for one batch
    ahead, from another thread. Ctrl-C, or a request to end, ends the run after the step that it is
    in, with a checkpoint. Raises `TrainingError` if the loss is no number or a process is lost.
    """
    config, first, started = run.config, run.step, time.monotonic()
    several = config.accumulate
    with (
        Ahead(batch_of, run.step * several, config.last * several) as batches,
        Stopping(run.fabric.device) as stopping,
        Log(run.folder / "log.csv", run.step) as log,
        Log(run.folder / "evaluation.csv", run.step) as judgements,
        _telling_of_lost_processes(run),
    ):
        while run.step < config.last:
            figures = run.advance(*(next(batches) for _ in range(several)))
            ends = run.step == config.last
            if run.step % config.log_every == 0 or ends:
                elapsed = time.monotonic() - started
                log.write({"step": run.step, "seconds": round(elapsed, 1)} | figures)
                if processes.rank() == 0:
                    pace = (run.step - first) / elapsed
                    say(Progress(run.step, config.last, pace, figures))
            due = config.evaluate_every and run.step % config.evaluate_every == 0
            if judge is not None and (due or ends) and processes.rank() == 0:
                judgements.write({"step": run.step} | run.judge(judge))
            stop = stopping.asked_of_any()
            if run.step % config.checkpoint_every == 0 or ends or stop:
                run.save()
            if stop and not ends:
                stopping.end(run.step)


_LOST = re.compile("connection|gloo|nccl|peer|timed? ?out", re.IGNORECASE)


@contextmanager
def _telling_of_lost_processes(run: Run) -> Iterator[None]:
    """What the collectives raise when another process is gone, in words."""
    try:
        yield
    except RuntimeError as error:
        if processes.world() == 1 or not _LOST.search(str(error)):
            raise
        raise TrainingError(
            f"another process of this run ended or could not be reached, in step {run.step + 1}; "
            "the same command goes on from the last checkpoint"
        ) from error

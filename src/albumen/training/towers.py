"""A CLIP in up to three stages: its eye, its ear, then both together.

`see` distils the image trunk from a picture teacher, `read` the text tower from a sentence teacher;
`match` goes on with both, contrastively, with what the teachers say at their side. Without teachers
there is `match` alone. What the stages learn from is given to them (`Material`); the starter's
recipe and `albumen train clip` differ in that.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from albumen.errors import UsageError
from albumen.models.clip import CLIP, STARTER_CLIP, CLIPConfig
from albumen.training import checkpoint, processes
from albumen.training.contrastive import (
    Contrastive,
    ContrastiveWeights,
    Matches,
    SentenceDistillation,
    Sentences,
)
from albumen.training.distillation import Distillation, DistillationWeights, Heads, Lesson
from albumen.training.loop import Judge, LoopConfig, Progress, Run, channels_last, fit

STAGES = ("see", "read", "match")


@dataclass(frozen=True)
class Widths:
    """How wide what is taught is: the picture teacher's features and answers, the labels of the
    pictures' own sets, the sentence teacher's embeddings. 1 where there is nothing of the kind.
    """

    features: int = 1
    answers: int = 1
    labels: int = 1
    sentence: int = 1


class Material(Protocol):
    """What a CLIP learns from: the batch of any step, which depends on nothing else.

    `progress`: from 0 to 1, how much of the stage is done; pictures may grow with it.
    """

    @property
    def widths(self) -> Widths:
        """Of what is taught."""

    def lesson(self, step: int, progress: float) -> Lesson:
        """Pictures, for `see`."""

    def sentences(self, step: int, progress: float) -> Sentences:
        """Texts, for `read`."""

    def matches(self, step: int, progress: float) -> Matches:
        """Both, for `match`."""


@dataclass(frozen=True)
class TowersConfig:
    """The towers, and how long and fast each stage learns; a stage that is None is left out."""

    match: LoopConfig | None
    clip: CLIPConfig = STARTER_CLIP
    see: LoopConfig | None = None
    read: LoopConfig | None = None
    weights: ContrastiveWeights = field(default_factory=ContrastiveWeights)
    distillation: DistillationWeights = field(default_factory=DistillationWeights)
    seed: int = 12


def train(
    material: Material,
    config: TowersConfig,
    folder: Path,
    say: Callable[[str, Progress], None],
    *,
    begin: Callable[[CLIP], None] | None = None,
    judge: Callable[[CLIP], dict[str, float]] | None = None,
    about: dict[str, Any] | None = None,
    stages: tuple[str, ...] = STAGES,
) -> CLIP:
    """Train what is left to train of the stages in `folder`, and give the averaged towers.

    `begin` sets the weights that `match` starts from where there were no stages before it; `judge`
    tells how good the towers are, by its first figure. `about` is kept with the weights.
    """
    clip = CLIP(config.clip)
    for stage in stages:
        loop: LoopConfig | None = getattr(config, stage)
        if loop is None:
            continue
        torch.manual_seed(config.seed)
        fabric = processes.fabric(loop.precision)
        clip = channels_last(CLIP(config.clip))
        task, batch_of = _task(stage, clip, material, config, folder, begin)
        run = Run(task, loop, folder / stage, fabric, about)
        run.resume()
        judged: Judge | None = None
        if judge is not None and stage == "match":
            judged = _judging(judge, clip)

        def batch(step: int, of: Any = batch_of, steps: int = loop.steps) -> Any:
            return of(step, step / steps)

        def told(progress: Progress, stage: str = stage) -> None:
            say(stage, progress)

        # Texts are short: plain products are ten times faster than flash attention's backward.
        with sdpa_kernel(SDPBackend.MATH):
            fit(run, batch, told, judged)
        task.module.load_state_dict(run.average)
    return clip.eval()


def _judging(judge: Callable[[CLIP], dict[str, float]], clip: CLIP) -> Judge:
    return lambda: judge(clip)


def _task(
    stage: str,
    clip: CLIP,
    material: Material,
    config: TowersConfig,
    folder: Path,
    begin: Callable[[CLIP], None] | None,
) -> tuple[Any, Callable[[int, float], Any]]:
    """The stage's task on the parts of `clip` that it trains, and its batches."""
    widths = material.widths
    trunk: Any = clip.image.trunk
    if stage == "read":
        head = nn.Linear(config.clip.dim, widths.sentence)
        return SentenceDistillation(clip.text, head), material.sentences
    heads = Heads(trunk.channels, widths.features, widths.answers, widths.labels)
    if stage == "see":
        return Distillation(trunk, heads, config.distillation), material.lesson
    sentence = nn.Linear(config.clip.dim, widths.sentence)
    if begin is not None and not (folder / "see").exists():
        begin(clip)
    if (folder / "see").exists():
        _give(nn.ModuleDict({"trunk": trunk, "heads": heads}), folder / "see")
    if (folder / "read").exists():
        _give(nn.ModuleDict({"text": clip.text, "head": sentence}), folder / "read")
    task = Contrastive(clip, heads, sentence, config.weights, config.distillation)
    return task, material.matches


def _give(module: nn.Module, stage: Path) -> None:
    """The averaged weights that a stage ended with."""
    module.load_state_dict(checkpoint.trained(stage))


def trained(folder: Path, config: TowersConfig, *, best: bool = True) -> CLIP:
    """The towers of a run: the best that were judged, or the last. Raises `TrainingError`."""
    stage = folder / "match"
    if best and (stage / checkpoint.BEST).exists():
        weights, _ = checkpoint.read(stage / checkpoint.BEST)
    else:
        weights = checkpoint.trained(stage)
    own = {n.removeprefix("clip."): v for n, v in weights.items() if n.startswith("clip.")}
    clip = CLIP(config.clip)
    clip.load_state_dict(own)
    return clip.eval()


@dataclass(frozen=True)
class Plan:
    """A recipe of one's own: what to learn from, how, and what `match` begins with."""

    material: Material
    config: TowersConfig
    begin: Callable[[CLIP], None] | None = None


def plan(name: str, data: Path) -> Plan:
    """The plan that the function MODULE:FUNCTION makes of `data`. Raises `UsageError`.

    MODULE is looked for as `import` does, and in the current folder.
    """
    module, _, function = name.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        made = getattr(import_module(module), function)(data)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"there is no recipe {name}: {error}") from error
    if not isinstance(made, Plan):
        raise UsageError(f"{name} gives a {type(made).__name__}, not a Plan of albumen.training")
    return made


def with_steps(config: TowersConfig, **steps: int | None) -> TowersConfig:
    """The same with other numbers of steps: see, read, match; 0 leaves a stage out."""
    for stage, count in steps.items():
        loop: LoopConfig | None = getattr(config, stage)
        if count is None or (loop is None and not count):
            continue
        if loop is None:
            raise UsageError(f"this recipe has no stage {stage}")
        fresh: dict[str, Any] = {stage: None}
        if count:
            warmup = min(loop.warmup, max(1, count // 5))
            fresh = {stage: replace(loop, steps=count, warmup=warmup)}
        config = replace(config, **fresh)
    return config

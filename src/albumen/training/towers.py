"""A CLIP in up to four stages: its eye, its ear, both together, and once more its words.

`see` distils the image trunk from a picture teacher, `read` the text tower from a sentence teacher;
`match` goes on with both, contrastively, with what the teachers say at their side; `name` locks the
trunk and fits the words to what it has come to see. Without teachers the first two are left out.
What the stages learn from is given to them (`Material`): recipes differ in that.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from albumen.errors import UsageError
from albumen.evaluation.shards import Skip
from albumen.models.clip import CLIP, STARTER_CLIP, CLIPConfig
from albumen.models.resnet import Trunk
from albumen.training import checkpoint, processes
from albumen.training.contrastive import (
    Contrastive,
    ContrastiveWeights,
    Matches,
    SentenceDistillation,
    Sentences,
)
from albumen.training.data import OnProgress, Pixels
from albumen.training.distillation import Distillation, DistillationWeights, Heads, Lesson
from albumen.training.loop import LoopConfig, Run, channels_last, fit
from albumen.training.naming import Naming, NamingTask
from albumen.training.told import Told

STAGES = ("see", "read", "match", "name")


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

    def naming(
        self, trunk: Trunk, folder: Path, looking: OnProgress
    ) -> Callable[[int, float], Naming]:
        """What gives the batches of `name`, once the locked trunk has looked at the pictures; what
        it saw is kept in `folder`.
        """


@dataclass(frozen=True)
class TowersConfig:
    """The towers, and how long and fast each stage learns; a stage that is None is left out."""

    match: LoopConfig | None
    clip: CLIPConfig = STARTER_CLIP
    see: LoopConfig | None = None
    read: LoopConfig | None = None
    name: LoopConfig | None = None
    weights: ContrastiveWeights = field(default_factory=ContrastiveWeights)
    distillation: DistillationWeights = field(default_factory=DistillationWeights)
    seed: int = 12


def train(
    material: Material,
    config: TowersConfig,
    folder: Path,
    told: Told,
    *,
    begin: Callable[[CLIP], None] | None = None,
    judge: Callable[[CLIP], dict[str, float]] | None = None,
    about: dict[str, Any] | None = None,
) -> None:
    """Train what is left to train of the stages in `folder`; `trained` gives the towers.

    `begin` sets the weights that `match` starts from where there were no stages before it; `judge`
    tells how good the towers are, by its first figure. `about` is kept with the weights.
    """
    for stage in STAGES:
        loop: LoopConfig | None = getattr(config, stage)
        if loop is None:
            continue
        torch.manual_seed(config.seed)
        fabric = processes.fabric(loop.precision)
        clip = channels_last(CLIP(config.clip))
        task = _task(stage, clip, material.widths, config, folder, begin)
        run = Run(task, loop, folder / stage, fabric, about)
        begun = run.resume()
        if run.step < loop.last:
            told.stage(stage)
            if begun:
                told.note(f"going on at step {run.step} of {loop.last} of the stage {stage}")
            with fabric.autocast():
                batch_of = _batches(material, clip, run.folder, told.reading)
            _fit(run, batch_of, told, None if judge is None else partial(judge, clip))


def _fit(
    run: Run,
    batch_of: Callable[[int, float], Any],
    told: Told,
    judge: Callable[[], dict[str, float]] | None,
) -> None:
    steps, together = run.config.steps, run.folder.name in ("match", "name")
    # Texts are short: plain products are ten times faster than flash attention's backward.
    with sdpa_kernel(SDPBackend.MATH):
        fit(
            run,
            lambda step: batch_of(step, step / steps),
            told.training,
            judge if together else None,
        )


def _task(
    stage: str,
    clip: CLIP,
    widths: Widths,
    config: TowersConfig,
    folder: Path,
    begin: Callable[[CLIP], None] | None,
) -> Any:
    """The stage's task on the parts of `clip` that it trains."""
    trunk: Any = clip.image.trunk
    sentence = nn.Linear(config.clip.dim, widths.sentence)
    if stage == "read":
        return SentenceDistillation(clip.text, sentence)
    heads = Heads(trunk.channels, widths.features, widths.answers, widths.labels)
    if stage == "see":
        return Distillation(trunk, heads, config.distillation)
    if stage == "name":
        naming = NamingTask(clip, heads, sentence, config.weights.sentences)
        _give(naming.module, folder / "match")
        return naming
    if begin is not None and not (folder / "see").exists():
        begin(clip)
    if (folder / "see").exists():
        _give(nn.ModuleDict({"trunk": trunk, "heads": heads}), folder / "see")
    if (folder / "read").exists():
        _give(nn.ModuleDict({"text": clip.text, "head": sentence}), folder / "read")
    return Contrastive(clip, heads, sentence, config.weights, config.distillation)


def _batches(
    material: Material, clip: CLIP, stage: Path, looking: OnProgress
) -> Callable[[int, float], Any]:
    if stage.name == "name":
        trunk: Any = clip.image.trunk
        return material.naming(trunk, stage, looking)
    given = {"see": material.lesson, "read": material.sentences, "match": material.matches}
    return given[stage.name]


def _give(module: nn.Module, stage: Path) -> None:
    module.load_state_dict(_ended(stage))


def _ended(stage: Path) -> checkpoint.Weights:
    """What a stage gives: the best averaged weights if they were judged, otherwise the last."""
    if (stage / checkpoint.BEST).exists():
        return checkpoint.read(stage / checkpoint.BEST)[0]
    return checkpoint.trained(stage)


def trained(folder: Path, config: TowersConfig) -> CLIP:
    """The towers of a run, by its last stage. Raises `TrainingError`."""
    weights = _ended(folder / ("name" if (folder / "name" / checkpoint.LAST).exists() else "match"))
    own = {n.removeprefix("clip."): v for n, v in weights.items() if n.startswith("clip.")}
    clip = CLIP(config.clip)
    clip.load_state_dict(own)
    return clip.eval()


@dataclass(frozen=True)
class Held:
    """Pictures that are not learned, uint8 (M, S, S, 3), with a text of each: the towers are judged
    by them, a report shows some, and a pack is compared with the towers by them.
    """

    pixels: Pixels
    texts: tuple[str, ...]

    def some(self, count: int) -> "Held":
        """At most so many of them, from all over."""
        at = np.linspace(0, len(self.texts) - 1, min(count, len(self.texts))).astype(int)
        return Held(self.pixels[at], tuple(self.texts[i] for i in at))


@dataclass(frozen=True)
class Plan:
    """All that a CLIP is made of: what to learn from and how, what `match` begins with, how the
    towers are judged and used. `size`: side of pictures in use; `pictures`: how many are learned
    from; `skipped`: what was left out.
    """

    material: Material
    config: TowersConfig
    tokenizer: Tokenizer
    size: int
    held: Held
    pictures: int
    begin: Callable[[CLIP], None] | None = None
    skipped: tuple[Skip, ...] = ()


def plan(name: str, data: Path) -> Plan:
    """The plan that a recipe, the function MODULE:FUNCTION, makes of `data`. Raises `UsageError`.

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
    """The same with other numbers of steps for some stages; 0 leaves a stage out."""
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

"""The starter as a recipe: what it learns from, in which stages, and what it goes on from.

    albumen train clip DATA --recipe recipes.starter.plan:starter --run RUN

DATA is the folder that `prepare`, `teacher` and `texts` wrote. `see` distils the image trunk from
the picture teacher, `read` the text tower from the sentence teacher; `match` goes on with both, on
pictures and texts together. Where a run has no `see`, `match` goes on from the starter that is
shipped. The other functions are the same with some of the stages.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from recipes.starter.lessons import Lessons
from recipes.starter.matches import BatchSize, Matcher, TextPool
from recipes.starter.shipped import go_on

from albumen.models.clip import CLIP
from albumen.packs import catalogue, manifest
from albumen.training.contrastive import Matches, Sentences
from albumen.training.distillation import Lesson
from albumen.training.loop import LoopConfig
from albumen.training.pictures import Augmentation, whole
from albumen.training.towers import Plan, TowersConfig, Widths

SEED = 12
SEE_BATCH, READ_BATCH = 256, 512
MATCH_BATCH = BatchSize(pictures=256, named=96, further=64)
MATCH_TOKENS = 18  # longer captions are cut: padding all texts to the longest costs too much
STARTER_SIZE = 112  # pixels a side, in use
TEACHER_FEATURES, TEACHER_CLASSES, SENTENCE = 1280, 1000, 384
SEE = LoopConfig(steps=2600, learning_rate=2e-3, warmup=150, checkpoint_every=100)
READ = LoopConfig(steps=600, learning_rate=1e-3, warmup=100, checkpoint_every=100)
MATCH = LoopConfig(
    steps=8000, learning_rate=1.5e-3, warmup=200, average=0.998, checkpoint_every=100
)
SHOWN = 400  # pictures that a shipped tower's normalisations are measured on
# Small pictures first, as in EfficientNetV2 (Tan & Le, 2021): (until this share of steps, pixels).
SEE_SIZES = ((0.4, 80), (0.65, 96), (1.0, 112))
MATCH_SIZES = ((0.5, 80), (0.85, 96), (1.0, 112))


def size_at(progress: float, sizes: tuple[tuple[float, int], ...]) -> int:
    """The side of the training pictures when `progress` (0 to 1) of the steps are done."""
    return next(size for until, size in sizes if progress < until)


class StarterMaterial:
    """Batches of the prepared pictures and texts, with what both teachers say of them."""

    def __init__(self, data: Path) -> None:
        torch.set_num_threads(1)  # `in_parts` keeps the cores busy
        self.lessons, self.pool = Lessons(data), TextPool(data)
        self.matcher = Matcher(data, self.lessons, TextPool(data, MATCH_TOKENS))

    @property
    def widths(self) -> Widths:
        return Widths(TEACHER_FEATURES, TEACHER_CLASSES, self.lessons.label_count, SENTENCE)

    def lesson(self, step: int, progress: float) -> Lesson:
        random = np.random.default_rng((SEED, step))
        recipe = Augmentation(size=size_at(progress, SEE_SIZES))
        return self.lessons.lesson(self.lessons.draw(SEE_BATCH, random), recipe, random)

    def sentences(self, step: int, progress: float) -> Sentences:
        return self.pool.batch(READ_BATCH, np.random.default_rng((SEED, step)))

    def matches(self, step: int, progress: float) -> Matches:
        random = np.random.default_rng((SEED, step))
        recipe = Augmentation(size=size_at(progress, MATCH_SIZES))
        return self.matcher.batch(MATCH_BATCH, recipe, random)

    def shipped(self, clip: CLIP) -> None:
        """Give `clip` the weights of the starter that is shipped."""
        folder = catalogue.find("starter", None)
        shown = np.linspace(0, len(self.lessons.pictures) - 1, SHOWN).astype(int)
        scale = manifest.read(folder).logit_scale
        go_on(clip, folder, scale, whole(self.lessons.pictures[shown], STARTER_SIZE))


def starter(data: Path) -> Plan:
    """All three stages, from nothing."""
    config = TowersConfig(match=MATCH, see=SEE, read=READ, seed=SEED)
    material = StarterMaterial(data)
    return Plan(material, config, material.shipped)


def going_on(data: Path) -> Plan:
    """The last stage alone, from the starter that is shipped."""
    plan = starter(data)
    return replace(plan, config=replace(plan.config, see=None, read=None))

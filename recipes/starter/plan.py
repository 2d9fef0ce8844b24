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
from recipes.starter.matches import Matcher, TextPool
from recipes.starter.shipped import go_on
from recipes.starter.train import (
    MATCH,
    MATCH_BATCH,
    MATCH_SIZES,
    MATCH_TOKENS,
    READ,
    READ_BATCH,
    SEE,
    SEE_BATCH,
    SEE_SIZES,
    SEED,
    SENTENCE,
    SHOWN,
    STARTER_SIZE,
    TEACHER_CLASSES,
    TEACHER_FEATURES,
    size_at,
)

from albumen.models.clip import CLIP
from albumen.packs import catalogue, manifest
from albumen.training.contrastive import Matches, Sentences
from albumen.training.distillation import Lesson
from albumen.training.pictures import Augmentation, whole
from albumen.training.towers import Plan, TowersConfig, Widths


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

"""The starter as a recipe: what it learns from, in which stages, and what it goes on from.

    albumen train clip DATA --recipe recipes.starter.plan:going_on --run RUN

DATA is the folder that `prepare`, `teacher` and `texts` wrote. `see` distils the image trunk from
the picture teacher, `read` the text tower from the sentence teacher; `match` goes on with both, on
pictures and texts together; `name` fits the words to what the trunk has come to see. `starter` has
all four, from nothing; `going_on` has the last two, from the starter that is shipped.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from recipes.starter.concepts import plain
from recipes.starter.lessons import Lessons
from recipes.starter.matches import BatchSize, Matcher, TextPool
from recipes.starter.naming import Questions
from recipes.starter.shipped import go_on
from tokenizers import Tokenizer

from albumen.errors import UsageError
from albumen.models.clip import CLIP
from albumen.models.resnet import Trunk
from albumen.packs import catalogue, manifest
from albumen.training import processes
from albumen.training.contrastive import Matches, Sentences
from albumen.training.data import OnProgress
from albumen.training.distillation import Lesson
from albumen.training.loop import LoopConfig
from albumen.training.naming import SEEN, Naming, looked
from albumen.training.pictures import Augmentation, whole
from albumen.training.towers import Held, Plan, TowersConfig, Widths

SEED = 12
SEE_BATCH, READ_BATCH = 256, 512
MATCH_BATCH = BatchSize(pictures=256, named=96, further=64)
MATCH_TOKENS = 18  # longer captions are cut: padding all texts to the longest costs too much
SIZE = 112  # pixels a side, in use
TEACHER_FEATURES, TEACHER_CLASSES, SENTENCE = 1280, 1000, 384
SHOWN = 400  # pictures that a shipped tower's normalisations are measured on
HELD = 500  # pictures that the towers are judged by
# Small pictures first, as in EfficientNetV2 (Tan & Le, 2021): (until this share of steps, pixels).
SEE_SIZES = ((0.4, 80), (0.65, 96), (1.0, 112))
MATCH_SIZES = ((0.5, 80), (0.85, 96), (1.0, 112))
CONFIG = TowersConfig(
    see=LoopConfig(steps=2600, learning_rate=2e-3, warmup=150, checkpoint_every=100),
    read=LoopConfig(steps=600, learning_rate=1e-3, warmup=100, checkpoint_every=100),
    match=LoopConfig(
        steps=8000, learning_rate=1.5e-3, warmup=200, average=0.998, checkpoint_every=100
    ),
    name=LoopConfig(steps=800, learning_rate=7e-4, warmup=40, average=0.99, checkpoint_every=200),
    seed=SEED,
)


def size_at(progress: float, sizes: tuple[tuple[float, int], ...]) -> int:
    """The side of the training pictures when `progress` (0 to 1) of the steps are done."""
    return next(size for until, size in sizes if progress < until)


class StarterMaterial:
    """Batches of the prepared pictures and texts, with what both teachers say of them."""

    def __init__(self, data: Path) -> None:
        if processes.world() > 1:
            raise UsageError("the starter is trained by one process: leave out --processes")
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

    def naming(
        self, trunk: Trunk, folder: Path, looking: OnProgress
    ) -> Callable[[int, float], Naming]:
        pictures, rows, views = self.lessons.pictures, self.lessons.drawn, Augmentation(size=SIZE)
        seen = looked(trunk, pictures, rows, views, folder / SEEN, looking)
        questions = Questions(self.lessons, self.matcher, seen)
        return lambda step, _: questions.batch(MATCH_BATCH, np.random.default_rng((SEED, step)))

    def shipped(self, clip: CLIP) -> None:
        """Give `clip` the weights of the starter that is shipped."""
        folder = catalogue.find("starter", None)
        shown = np.linspace(0, len(self.lessons.pictures) - 1, SHOWN).astype(int)
        scale = manifest.read(folder).logit_scale
        go_on(clip, folder, scale, whole(self.lessons.pictures[shown], SIZE))

    def held(self) -> Held:
        """Pictures with captions that are kept to choose by."""
        described = self.lessons.described
        rows = [row for row in self.lessons.to_choose_by if described[row].captions][:HELD]
        texts = tuple(plain(described[row].captions[0]) for row in rows)
        return Held(self.lessons.pictures[rows], texts)


def starter(data: Path) -> Plan:
    """All four stages, from nothing."""
    return _plan(data, StarterMaterial(data))


def going_on(data: Path) -> Plan:
    """The last two stages, from the starter that is shipped."""
    material = StarterMaterial(data)
    config = replace(CONFIG, see=None, read=None)
    return replace(_plan(data, material), config=config, begin=material.shipped)


def _plan(data: Path, material: StarterMaterial) -> Plan:
    tokenizer = Tokenizer.from_file(str(data / "tokenizer.json"))
    return Plan(material, CONFIG, tokenizer, SIZE, material.held(), len(material.lessons.drawn))

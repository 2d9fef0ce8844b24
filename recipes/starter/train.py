"""Train the starter: its eye, its ear, both together, and once more its words.

    python -m recipes.starter.train see   --data DIR --run DIR
    python -m recipes.starter.train read  --data DIR --run DIR
    python -m recipes.starter.train match --data DIR --run DIR
    python -m recipes.starter.train name  --data DIR --run DIR

`see` distils the image trunk from the picture teacher, `read` the text tower from the sentence
teacher; `match` goes on with both, on pictures and texts together; `name` fits the words to what
the trunk has come to see. Each goes on from its own
checkpoint if it was interrupted, and may be run again with other `--steps`. README.md has the whole
sequence of commands.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from recipes.starter.lessons import Lessons
from recipes.starter.matches import BatchSize, Matcher, TextPool
from recipes.starter.naming import Questions, features_of
from recipes.starter.shipped import go_on
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from albumen.models.clip import CLIP, STARTER_CLIP, TextTower
from albumen.models.resnet import STARTER, Trunk
from albumen.packs import catalogue, manifest
from albumen.training import checkpoint
from albumen.training.contrastive import (
    Contrastive,
    ContrastiveWeights,
    Matches,
    SentenceDistillation,
    Sentences,
)
from albumen.training.distillation import Distillation, DistillationWeights, Heads, Lesson
from albumen.training.loop import LoopConfig, Run, fit
from albumen.training.naming import Naming, NamingTask
from albumen.training.pictures import Augmentation, whole

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
NAME = LoopConfig(steps=800, learning_rate=7e-4, warmup=40, average=0.99, checkpoint_every=200)
SHOWN = 400  # pictures that a shipped tower's normalisations are measured on
# Small pictures first, as in EfficientNetV2 (Tan & Le, 2021): (until this share of steps, pixels).
SEE_SIZES = ((0.4, 80), (0.65, 96), (1.0, 112))
MATCH_SIZES = ((0.5, 80), (0.85, 96), (1.0, 112))


def size_at(progress: float, sizes: tuple[tuple[float, int], ...]) -> int:
    """The side of the training pictures when `progress` (0 to 1) of the steps are done."""
    return next(size for until, size in sizes if progress < until)


def see(data: Path, folder: Path, config: LoopConfig) -> tuple[Run, Callable[[int], Lesson]]:
    """Stage 1: what the picture teacher sees."""
    lessons = Lessons(data)
    trunk = Trunk(STARTER).to(memory_format=torch.channels_last)
    heads = Heads(trunk.channels, TEACHER_FEATURES, TEACHER_CLASSES, lessons.label_count)

    def batch_of(step: int) -> Lesson:
        random = np.random.default_rng((SEED, step))
        recipe = Augmentation(size=size_at(step / config.steps, SEE_SIZES))
        return lessons.lesson(lessons.draw(SEE_BATCH, random), recipe, random)

    return Run(Distillation(trunk, heads, DistillationWeights()), config, folder / "see"), batch_of


def read(data: Path, folder: Path, config: LoopConfig) -> tuple[Run, Callable[[int], Sentences]]:
    """Stage 2: what the sentence teacher understands."""
    pool = TextPool(data)
    text = TextTower(STARTER_CLIP.text, STARTER_CLIP.dim)

    def batch_of(step: int) -> Sentences:
        return pool.batch(READ_BATCH, np.random.default_rng((SEED, step)))

    task = SentenceDistillation(text, nn.Linear(STARTER_CLIP.dim, SENTENCE))
    return Run(task, config, folder / "read"), batch_of


def match(data: Path, folder: Path, config: LoopConfig) -> tuple[Run, Callable[[int], Matches]]:
    """Stage 3: pictures and texts in one space, from what the first two stages learned.

    Without these stages it goes on from the starter that is shipped.
    """
    lessons, pool = Lessons(data), TextPool(data, MATCH_TOKENS)
    matcher = Matcher(data, lessons, pool)
    clip, heads, sentence = starter(lessons.label_count)
    trunk = clip.image.trunk
    if (folder / "see").exists():
        begin(nn.ModuleDict({"trunk": trunk, "heads": heads}), folder / "see")
        begin(nn.ModuleDict({"text": clip.text, "head": sentence}), folder / "read")
    else:
        shipped = catalogue.find("starter", None)
        shown = np.linspace(0, len(lessons.pictures) - 1, SHOWN).astype(int)
        scale = manifest.read(shipped).logit_scale
        go_on(clip, shipped, scale, whole(lessons.pictures[shown], STARTER_SIZE))

    def batch_of(step: int) -> Matches:
        random = np.random.default_rng((SEED, step))
        recipe = Augmentation(size=size_at(step / config.steps, MATCH_SIZES))
        return matcher.batch(MATCH_BATCH, recipe, random)

    task = Contrastive(clip, heads, sentence, ContrastiveWeights(), DistillationWeights())
    return Run(task, config, folder / "match"), batch_of


def name(data: Path, folder: Path, config: LoopConfig) -> tuple[Run, Callable[[int], Naming]]:
    """Stage 4: the words are fitted to what the trunk has come to see, which stays as it is."""
    lessons, pool = Lessons(data), TextPool(data, MATCH_TOKENS)
    clip, heads, sentence = starter(lessons.label_count)
    task = NamingTask(clip, heads, sentence, ContrastiveWeights().sentences)
    begin(task.module, folder / "match")
    rows = np.unique(np.concatenate(list(lessons.rows.values())))
    features = np.zeros((len(lessons.pictures), clip.image.trunk.channels), np.float16)
    features[rows] = features_of(clip.image.trunk, lessons, rows, STARTER_SIZE)
    questions = Questions(lessons, Matcher(data, lessons, pool), features)

    def batch_of(step: int) -> Naming:
        return questions.batch(MATCH_BATCH, np.random.default_rng((SEED, step)))

    return Run(task, config, folder / "name"), batch_of


def starter(labels: int) -> tuple[CLIP, Heads, nn.Linear]:
    """Both towers, the heads for their teachers, and the map to the sentence teacher's space."""
    clip = CLIP(STARTER_CLIP).to(memory_format=torch.channels_last)
    heads = Heads(clip.image.trunk.channels, TEACHER_FEATURES, TEACHER_CLASSES, labels)
    return clip, heads, nn.Linear(STARTER_CLIP.dim, SENTENCE)


def begin(module: nn.Module, stage: Path) -> None:
    """Give `module` the averaged weights that a stage ended with."""
    module.load_state_dict(checkpoint.trained(stage))


STAGES = {"see": (see, SEE), "read": (read, READ), "match": (match, MATCH), "name": (name, NAME)}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("stage", choices=STAGES)
    arguments.add_argument("--data", type=Path, required=True, help="folder written by prepare")
    arguments.add_argument("--run", type=Path, required=True, help="checkpoints and logs go here")
    arguments.add_argument("--steps", type=int, help="the length of the schedule")
    arguments.add_argument("--until", type=int, help="stop at this step of it")
    options = arguments.parse_args()
    prepare, config = STAGES[options.stage]
    config = replace(config, steps=options.steps or config.steps, until=options.until)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # `in_parts` keeps the cores busy
    run, batch_of = prepare(options.data, options.run, config)
    if run.resume():
        print(f"going on at step {run.step}", flush=True)
    # Texts are short: the plain products are ten times faster than flash attention's backward.
    with sdpa_kernel(SDPBackend.MATH):
        fit(run, batch_of, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()

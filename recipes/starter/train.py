"""Train the starter: first its eye, then both towers together.

    python -m recipes.starter.train see   --data DIR --run DIR
    python -m recipes.starter.train match --data DIR --run DIR

`see` distils the image trunk from the teacher's answers; `match` trains image and text tower on
captions. Each goes on from its own checkpoint if it was interrupted. README.md has every command.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from albumen.models.resnet import STARTER, Trunk
from albumen.training.distillation import Distillation, DistillationWeights, Heads, Lesson
from albumen.training.loop import LoopConfig, Run, fit
from albumen.training.pictures import Augmentation
from recipes.starter.lessons import Lessons

SEED = 12
SEE_BATCH = 256
SEE = LoopConfig(steps=2600, learning_rate=2e-3, warmup=150, checkpoint_every=100)
# Small pictures first, as EfficientNetV2 does (Tan & Le, 2021): (until this share of steps, pixels).
SIZES = ((0.4, 80), (0.65, 96), (1.0, 112))


def say(line: str) -> None:
    print(line, flush=True)


def size_at(progress: float) -> int:
    """The side of the training pictures when `progress` (0 to 1) of the steps are done."""
    return next(size for until, size in SIZES if progress < until)


def see(data: Path, run: Path, steps: int) -> None:
    """Stage 1: what the teacher sees."""
    torch.manual_seed(SEED)
    lessons = Lessons(data)
    trunk = Trunk(STARTER).to(memory_format=torch.channels_last)
    heads = Heads(trunk.channels, 1280, 1000, lessons.label_count)

    def batch_of(step: int) -> Lesson:
        random = np.random.default_rng((SEED, step))
        recipe = Augmentation(size=size_at(step / steps))
        return lessons.lesson(lessons.draw(SEE_BATCH, random), recipe, random)

    config = replace(SEE, steps=steps)
    stage = Run(Distillation(trunk, heads, DistillationWeights()), config, run / "see")
    stage.resume()
    fit(stage, batch_of, say)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("stage", choices=["see"])
    arguments.add_argument("--data", type=Path, required=True, help="folder written by prepare")
    arguments.add_argument("--run", type=Path, required=True, help="checkpoints and logs go here")
    arguments.add_argument("--steps", type=int, default=SEE.steps)
    options = arguments.parse_args()
    see(options.data, options.run, options.steps)


if __name__ == "__main__":
    main()

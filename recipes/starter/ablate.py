"""What each kind of teaching adds: short trainings from nothing, alike but for who tells.

    python -m recipes.starter.ablate --data DIR --run DIR

Each variant trains both towers from random weights for the same number of steps on pictures of 64
pixels, which is far too short to be good and long enough to compare. Judged as `develop` judges,
on training pictures kept to choose by. Writes `ablations.json` beside this file.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from recipes.starter.develop import MOST, report
from recipes.starter.lessons import Described, Lessons
from recipes.starter.matches import BatchSize, Matcher, TextPool, Told
from recipes.starter.plan import MATCH_TOKENS, SEED, SENTENCE, TEACHER_CLASSES, TEACHER_FEATURES
from torch import nn

from albumen.models.clip import CLIP, STARTER_CLIP
from albumen.training.contrastive import Contrastive, ContrastiveWeights, Matches
from albumen.training.distillation import DistillationWeights, Heads
from albumen.training.loop import LoopConfig, Run, fit
from albumen.training.pictures import Augmentation

SIZE = 64  # pixels a side
BATCH = BatchSize(pictures=192, named=64, further=32)
CONFIG = LoopConfig(steps=200, learning_rate=2e-3, warmup=30, average=0.97, checkpoint_every=200)
VARIANTS = {
    "captions only": Told(labels=False, teacher=False),
    "labels only": Told(captions=False, teacher=False),
    "captions and labels": Told(teacher=False),
    "both, and the teachers": Told(),
}
UNTAUGHT = DistillationWeights(features=0, answers=0, labels=0)


def speaks(told: Told) -> Callable[[Described], bool]:
    """Whether a picture has anything to say in this variant."""
    return lambda d: bool((told.captions and d.captions) or (told.labels and d.label))


def run_of(data: Path, folder: Path, told: Told) -> tuple[Run, Callable[[int], Matches]]:
    torch.manual_seed(SEED)
    lessons, pool = Lessons(data), TextPool(data, MATCH_TOKENS)
    spoken = np.array([speaks(told)(d) for d in lessons.described])
    if not told.teacher:
        kept = {source: rows[spoken[rows]] for source, rows in lessons.rows.items()}
        lessons.rows = {source: rows for source, rows in kept.items() if len(rows)}
    matcher = Matcher(data, lessons, pool, told)
    clip = CLIP(STARTER_CLIP).to(memory_format=torch.channels_last)
    heads = Heads(clip.image.trunk.channels, TEACHER_FEATURES, TEACHER_CLASSES, lessons.label_count)
    taught = DistillationWeights() if told.teacher else UNTAUGHT
    weights = ContrastiveWeights(sentences=2.0 if told.teacher else 0.0)
    task = Contrastive(clip, heads, nn.Linear(STARTER_CLIP.dim, SENTENCE), weights, taught)

    def batch_of(step: int) -> Matches:
        recipe = Augmentation(size=SIZE)
        return matcher.batch(BATCH, recipe, np.random.default_rng((SEED, step)))

    return Run(task, CONFIG, folder / "match"), batch_of


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True, help="folder written by prepare")
    arguments.add_argument("--run", type=Path, required=True, help="checkpoints and logs go here")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    file = Path(__file__).with_name("ablations.json")
    found = {}
    for name, told in VARIANTS.items():
        folder = options.run / name.replace(" ", "-")
        run, batch_of = run_of(options.data, folder, told)
        run.resume()
        fit(run, batch_of, lambda line: print(line, flush=True))
        found[name] = {k: round(v, 3) for k, v in report(options.data, folder, SIZE).items()}
        print(name, found[name], flush=True)
        figures = {"steps": CONFIG.steps, "captioned": MOST, "variants": found}
        file.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""A few steps of a CLIP's stage, by one process or by several with the same global batch.

python two_processes.py FOLDER STEPS STAGE; WORLD_SIZE and RANK say which process it is.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import skimage.data
import torch
from PIL import Image
from torch import nn

from albumen.models.clip import CLIP, CLIPConfig, TextConfig
from albumen.models.resnet import ResNetConfig
from albumen.training import processes
from albumen.training.contrastive import Contrastive, ContrastiveWeights, Matches, Sentences
from albumen.training.distillation import DistillationWeights, Heads, Lesson
from albumen.training.errors import TrainingError
from albumen.training.loop import LoopConfig, Run, fit
from albumen.training.naming import Naming, NamingTask, Question
from albumen.training.pictures import normalised

CONFIG = CLIPConfig(
    dim=16,
    image=ResNetConfig(widths=(8, 8, 16, 16), depths=(1, 1, 1, 1)),
    text=TextConfig(vocabulary=20, context=6, width=16, layers=1, heads=2, end_id=2),
)
NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def pictures() -> torch.Tensor:
    """(16, 3, 32, 32): four pieces of each of four photos."""
    folder = Path(skimage.data.__file__).parent
    found = []
    for name in NAMES:
        photo = Image.open(folder / name).convert("RGB").resize((64, 64))
        boxes = [(x, y, x + 32, y + 32) for x in (0, 32) for y in (0, 32)]
        found += [np.asarray(photo.crop(box)) for box in boxes]
    return normalised(torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).float())


def batch(number: int, pixels: torch.Tensor) -> Matches:
    """The whole batch's 16 pictures in another order each time; of it, this process's share.

    The teacher knows 11 of them, 9 have labels: processes' shares differ.
    """
    order = torch.from_numpy(np.random.default_rng(number).permutation(16))
    photo, own = (order // 4), processes.share(16)
    random = torch.Generator().manual_seed(number)
    features, logits = torch.rand(16, 24, generator=random), torch.randn(16, 10, generator=random)
    ids = torch.stack([torch.tensor([1, 5 + int(p), 2]) for p in photo])
    lesson = Lesson(
        pixels[order][own],
        features[own],
        logits[own],
        (order < 11)[own],
        torch.where(order < 9, photo, -1)[own],
        torch.ones(16, 6, dtype=torch.bool)[own],
    )
    truth = (photo[:, None] == photo[None]).float()[own]
    return Matches(lesson, Sentences(ids[own], torch.eye(4)[photo][own]), truth)


def naming(number: int) -> Naming:
    """The same for the stage `name`: what a trunk sees of four things, and which thing is it?"""
    order = torch.from_numpy(np.random.default_rng(number).permutation(16))
    photo, own = (order // 4), processes.share(16)
    features = torch.rand(16, 16, generator=torch.Generator().manual_seed(0))[order]
    names = torch.tensor([[1, 5 + p, 2] for p in range(4)])
    question = Question(features[own], names, torch.ones(16, 4, dtype=torch.bool)[own], photo[own])
    truth = (photo[:, None] == photo[None]).float()[own]
    return Naming(
        features[own], Sentences(names[photo][own], torch.eye(4)[photo][own]), truth, question
    )


def train(folder: Path, steps: int, stage: str = "match") -> None:
    torch.manual_seed(0)
    clip, heads, sentence = CLIP(CONFIG), Heads(16, 24, 10, 6), nn.Linear(16, 4)
    task: Any
    if stage == "match":
        weights = ContrastiveWeights(), DistillationWeights()
        task = Contrastive(clip, heads, sentence, *weights, parts=1)
    else:
        task = NamingTask(clip, heads, sentence, sentences=1.0)
    # Not Adam, which makes a step of the sign of a gradient that is rounding alone.
    config = LoopConfig(
        steps,
        0.02,
        warmup=1,
        optimizer="sgd",
        precision="32-true",
        log_every=1,
        checkpoint_every=2,
    )
    run, pixels = Run(task, config, folder), pictures()
    run.resume()

    def paced(number: int) -> Matches | Naming:
        if steps > 100:  # somebody wants to end it meanwhile
            time.sleep(0.05)
        return batch(number, pixels) if stage == "match" else naming(number)

    fit(run, paced, lambda progress: print(progress, flush=True))


def main() -> None:
    torch.set_num_threads(1)
    try:
        train(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    except TrainingError as error:
        print(f"ended: {error}", flush=True)
        sys.exit(3)


if __name__ == "__main__":
    main()

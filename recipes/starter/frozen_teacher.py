"""What the picture teacher itself reaches with a linear head: what the starter is held against.

    python -m recipes.starter.frozen_teacher --data DIR --weights EFFICIENTNET_LITE0.pth \\
        --judged val-000.tar

For each labelled source a linear head learns its labels from the frozen teacher's features of the
training pictures, and is asked about the judged ones, among the labels that these have, as the
zero-shot protocol does. Where training has no picture of a judged label, as in the set that has
one picture a class of ImageNet, the teacher's own head is asked. Writes `frozen_teacher.json`
beside this file: {source: top-1}.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from recipes.starter.lessons import Described, Lessons
from recipes.starter.prepare import prepare
from recipes.starter.teacher import BATCH, answers, load
from torch import Tensor, nn

STEPS, LEARNING_RATE, DECAY = 600, 3e-3, 1e-3


def answers_about(weights: Path, shard: Path) -> tuple[Tensor, Tensor, list[Described]]:
    """Features (N, 1280) and logits (N, 1000) of a shard's pictures, and what is known of these."""
    model = load(weights)
    with tempfile.TemporaryDirectory() as folder:
        prepare([shard], Path(folder))
        pictures = np.load(Path(folder) / "pictures.npy")
        lines = (Path(folder) / "pictures.jsonl").read_text().splitlines()
    parts = np.array_split(pictures, len(pictures) // BATCH + 1)
    told = [answers(model, part) for part in parts]
    features, logits = (torch.cat(several).float() for several in zip(*told, strict=True))
    return features, logits, [Described.parse(line) for line in lines]


def scaled(features: Tensor) -> Tensor:
    """Each picture's features at the same length, about what they have: a head learns faster."""
    return F.normalize(features.float()) * 20


def linear_head(features: Tensor, labels: Tensor, count: int) -> nn.Linear:
    """Softmax regression by full passes in batches of 1,024."""
    torch.manual_seed(0)
    head = nn.Linear(features.shape[1], count)
    optimizer = torch.optim.AdamW(head.parameters(), LEARNING_RATE, weight_decay=DECAY)
    rates = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        rows = torch.randint(len(features), (min(1024, len(features)),))
        optimizer.zero_grad()
        F.cross_entropy(head(features[rows]), labels[rows]).backward()
        optimizer.step()
        rates.step()
    return head


def top1(lessons: Lessons, source: str, judged: Tensor, wanted: list[str]) -> float:
    """How often the head of this source names a judged picture's label."""
    rows = lessons.rows[source]
    rows = rows[lessons.answer_of[rows] >= 0]
    names = sorted({lessons.described[row].label or "" for row in rows} | set(wanted))
    number = {name: i for i, name in enumerate(names)}
    labels = torch.tensor([number[lessons.described[row].label or ""] for row in rows])
    seen = torch.from_numpy(lessons.features[lessons.answer_of[rows]])
    head = linear_head(scaled(seen), labels, len(names))
    asked = torch.tensor([number[name] for name in sorted(set(wanted))])
    with torch.inference_mode():
        found = asked[head(judged)[:, asked].argmax(1)]
    return float((found == torch.tensor([number[name] for name in wanted])).float().mean())


def own_top1(classes: list[list[str]], logits: Tensor, wanted: list[str]) -> float:
    """How often the teacher's own head names the label, among the judged ones."""
    number = {names[0].lower(): k for k, names in enumerate(classes)}
    right = torch.tensor([number[name] for name in wanted])
    asked = right.unique()
    return float((asked[logits[:, asked].argmax(1)] == right).float().mean())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True, help="folder written by prepare")
    arguments.add_argument("--weights", type=Path, required=True)
    arguments.add_argument("--judged", type=Path, required=True, help="val-000.tar")
    options = arguments.parse_args()
    lessons = Lessons(options.data)
    classes = json.loads((options.data / "classes.json").read_text())
    seen, logits, described = answers_about(options.weights, options.judged)
    figures = {}
    for source in dict.fromkeys(d.source for d in described if d.label):
        rows = [i for i, d in enumerate(described) if d.source == source]
        wanted = [described[i].label or "" for i in rows]
        known = {lessons.described[row].label for row in lessons.rows[source]}
        if set(wanted) <= known:
            found = top1(lessons, source, scaled(seen[rows]), wanted)
        else:
            found = own_top1(classes, logits[rows], wanted)
        figures[source] = round(found, 3)
        print(f"{source:16} {figures[source]:.3f}", flush=True)
    file = Path(__file__).with_name("frozen_teacher.json")
    file.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()

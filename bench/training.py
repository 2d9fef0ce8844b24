"""How many training steps a second our models take, beside transformers' modules in one loop.

    python -m bench.training [--rounds 5] [--batch 8] [--threads 2] [--write docs/training.md]

The loop is `albumen.training.loop.Run`, with AdamW and, as it is used, bf16 autocast where the
processor computes in it, and pixels and convolutions with the channels last; the loss is the same
for both models, which take turns within each round.
A ratio is the median over rounds of their time by ours: above 1.0 ours is faster. Then data loading
against the step: how many pictures a second are made ready for it, from the array that photos are
decoded into once, beside how many the step takes, and what share of its time a run of both, as
`fit` does it, waits for a batch.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bench._references  # noqa: F401  # before transformers
import numpy as np
import torch
import torch.nn.functional as F
import transformers
from bench._page import put
from bench.models import END_OF_TEXT, interleaved, ratio
from torch import Tensor, nn

from albumen.models import variants
from albumen.models.clip import contrastive_loss
from albumen.packs.runtime import cores
from albumen.training import processes, recipes
from albumen.training.ahead import Ahead
from albumen.training.classifier import Batches, Classification
from albumen.training.loop import LoopConfig, Run, channels_last, decayed_apart

CLASSES = 1000
MOST_STEPS = 10_000
WAITED = 4  # steps a round
WARMING = 3  # rounds before those that count: a process's first steps wait for its memory


@dataclass(frozen=True)
class Model:
    """A network, and how its logits are had of pixels and, of a CLIP, ids."""

    network: nn.Module
    logits: Callable[[Any], Tensor]


class Trained:
    """The task of either model: cross-entropy of classes, or of which text belongs to a picture."""

    def __init__(self, model: Model) -> None:
        self.module, self.logits = channels_last(model.network), model.logits

    def groups(self) -> list[dict[str, Any]]:
        return decayed_apart(self.module)

    def loss(self, batch: tuple[Tensor, Tensor | None]) -> tuple[Tensor, dict[str, float]]:
        pixels, ids = batch
        logits = self.logits(batch).float()
        if ids is not None:
            return contrastive_loss(logits), {}
        return F.cross_entropy(logits, torch.arange(len(pixels)) % CLASSES), {}


def models() -> Iterable[tuple[str, Callable[[], Model], Callable[[], Model]]]:
    """Name, theirs, ours; the same architecture, weights drawn at random."""

    def ours(name: str) -> Callable[[], Model]:
        def build() -> Model:
            network = variants.find(name).build()
            takes_text = name.startswith("clip")
            return Model(network, lambda b: network(*b) if takes_text else network(b[0]))

        return build

    def theirs(kind: Any, config: Any) -> Callable[[], Model]:
        def build() -> Model:
            network = kind(config)
            return Model(network, lambda b: network(b[0]).logits)

        return build

    def clip() -> Model:
        network = transformers.CLIPModel(transformers.CLIPConfig())
        return Model(network, lambda b: network(input_ids=b[1], pixel_values=b[0]).logits_per_image)

    resnet = transformers.ResNetConfig(num_labels=CLASSES)
    small = transformers.ViTConfig(
        hidden_size=384, num_attention_heads=6, intermediate_size=1536, num_labels=CLASSES
    )
    yield "resnet50", theirs(transformers.ResNetForImageClassification, resnet), ours("resnet50")
    yield "vit-s16", theirs(transformers.ViTForImageClassification, small), ours("vit-s16")
    yield "clip-b32", clip, ours("clip-b32")


def batch_for(name: str, count: int) -> tuple[Tensor, Tensor | None]:
    variant = variants.find(name)
    pixels = torch.randn(count, 3, variant.side, variant.side)
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    if variant.context is None:
        return pixels, None
    ids = torch.randint(1, END_OF_TEXT, (count, variant.context))
    ids[:, -1] = END_OF_TEXT
    return pixels, ids


def compared(
    name: str, theirs: Callable[[], Model], ours: Callable[[], Model], count: int, rounds: int
) -> str:
    """A row: milliseconds a step of theirs and ours, steps a second of ours, the ratio."""
    batch, precision = batch_for(name, count), processes.best_precision()
    config = LoopConfig(MOST_STEPS, 1e-5, precision=precision)
    steps = {}
    with tempfile.TemporaryDirectory() as folder:
        for who, build in (("theirs", theirs), ("ours", ours)):
            torch.manual_seed(0)
            run = Run(Trained(build()), config, Path(folder) / who)
            steps[who] = lambda run=run: run.advance(batch)
        interleaved(steps, WARMING)
        taken = interleaved(steps, rounds)
    slow, fast = (statistics.median(taken[who]) for who in ("theirs", "ours"))
    return (
        f"| {name} | {1000 * slow:.0f} ms | {1000 * fast:.0f} ms | {1 / fast:.2f} "
        f"| {ratio(taken['theirs'], taken['ours']):.2f} |"
    )


def waited(run: Run, batches: Batches, steps: int) -> float:
    """The share of its time that a run waits for its next batch, made in a thread beside it."""
    waiting, began = 0.0, 0.0
    with Ahead(batches, 0, steps + 1) as made:
        for step in range(steps + 1):
            asked = time.perf_counter()
            batch = next(made)
            if step:  # the first one cannot have been made beforehand
                waiting += time.perf_counter() - asked
            else:
                began = time.perf_counter()
            run.advance(batch)
    return waiting / (time.perf_counter() - began)


def loading(name: str, count: int, rounds: int) -> str:
    """A row: pictures a second made ready from the array, and taken by the step; their ratio; the
    share of time that both together wait.
    """
    config, random = recipes.classifier(name), np.random.default_rng(0)
    pixels = random.integers(0, 256, (2048, config.stored, config.stored, 3), np.uint8)
    labels, rows = np.arange(2048) % 10, np.arange(2048)
    batches = Batches(pixels, labels, rows, count, config.augmentation, config.blending)
    module = channels_last(recipes.network(config.model, 10, config.size))
    numbers = iter(range(MOST_STEPS))
    with tempfile.TemporaryDirectory() as folder:
        loop = LoopConfig(MOST_STEPS, 1e-4, precision=processes.best_precision())
        run, made = Run(Classification(module), loop, Path(folder)), batches(0)
        steps = {
            "made": lambda: batches(next(numbers)),
            "step": lambda: run.advance(made),
        }
        taken = interleaved(steps, rounds)
        share = waited(run, batches, WAITED * rounds)
    making, learning = (count / statistics.median(taken[of]) for of in ("made", "step"))
    return (
        f"| {config.model}, {config.size} px | {making:,.0f} | {learning:,.0f} "
        f"| {ratio(taken['step'], taken['made']):.1f} | {share:.1%} |"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--models", nargs="+", help="only these")
    parser.add_argument("--write", type=Path, help="put the tables into this page, at their mark")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    began = time.monotonic()
    rows = []
    for name, theirs, ours in models():
        if args.models is None or name in args.models:
            rows.append(compared(name, theirs, ours, args.batch, args.rounds))
            print(rows[-1], flush=True)
    loads = []
    for name in ("cifar10-convnet", "cifar10-resnet20", "cifar10-vit", "photos"):
        loads.append(loading(name, 250 if name.startswith("cifar") else 64, args.rounds))
        print(loads[-1], flush=True)
    print(f"measured in {time.monotonic() - began:.0f} s")
    report = REPORT.format(
        batch=args.batch,
        threads=args.threads,
        rounds=args.rounds,
        precision=processes.best_precision(),
        versions=f"PyTorch {torch.__version__.partition('+')[0]}, "
        f"transformers {transformers.__version__}",
        rows="\n".join(rows),
        loads="\n".join(loads),
    )
    if args.write:
        put(args.write, "bench.training", report)
    return 0


REPORT = """
{batch} pictures a step, {threads} thread(s), {precision}, medians of {rounds} rounds; {versions}.

| model | transformers, a step | ours, a step | ours, steps a second | ratio |
|---|--:|--:|--:|--:|
{rows}

Pictures a second that are made ready (cropped, mirrored, lit, blended; it happens in a thread of
its own, ahead of the step), and that the step learns from:

| model | made ready | learned from | ratio | a run waits for batches |
|---|--:|--:|--:|--:|
{loads}
"""


if __name__ == "__main__":
    raise SystemExit(main())

"""A fingerprint from photos to report: what `albumen train fingerprint` does."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from albumen.errors import UsageError
from albumen.evaluation.shards import Skip
from albumen.models.fingerprint import Fingerprint
from albumen.training import checkpoint, data, processes
from albumen.training.agreement import agree
from albumen.training.data import Pixels, Rows
from albumen.training.edits import MILD, STRONG, edited
from albumen.training.fingerprint import PARTS, CopyDetection, CopyDetectionConfig, Views
from albumen.training.loop import LoopConfig, Run, fit
from albumen.training.pictures import normalised
from albumen.training.told import Told

FEWEST, MOST_JUDGED = 8, 400


@dataclass(frozen=True)
class FingerprintRecipe:
    """How a fingerprint is trained. `batch`: pictures a step, two views of each."""

    steps: int = 800
    batch: int = 160
    size: int = 80
    learning_rate: float = 2e-3
    warmup: int = 60
    average: float = 0.998
    seed: int = 0

    @property
    def stored(self) -> int:
        """The side at which pictures are kept."""
        return round(1.6 * self.size)

    def loop(self, precision: processes.Precision) -> LoopConfig:
        """The loop's config."""
        return LoopConfig(
            self.steps,
            self.learning_rate,
            warmup=max(1, min(self.warmup, self.steps // 5)),
            average=self.average,
            log_every=max(1, min(25, self.steps // 20)),
            checkpoint_every=max(1, min(100, self.steps // 4)),
            precision=precision,
            evaluate_every=max(1, self.steps // 10),
        )


@dataclass(frozen=True)
class Fingerprinted:
    """The network, and how like two views are of pictures that were not learned: (M, M)."""

    network: Fingerprint
    recipe: FingerprintRecipe
    figures: dict[str, float]
    pixels: Pixels
    likeness: npt.NDArray[np.float32]
    skipped: tuple[Skip, ...]


def train(photos: Path, folder: Path, recipe: FingerprintRecipe, told: Told) -> Fingerprinted:
    """Train, or go on, and judge the best weights. Raises `UsageError` and `TrainingError`."""
    precision = processes.best_precision()
    fabric, several = processes.fabric(precision), processes.world()
    if several > 1 and (PARTS % several or recipe.batch % PARTS):
        raise UsageError(
            f"a batch of {recipe.batch} pictures has no equal shares for {several} processes: give "
            f"a multiple of {PARTS} pictures (--batch), and 2, 4 or 8 processes"
        )
    said = {"photos": str(photos.absolute()), "recipe": asdict(recipe)}
    agree(folder, said, begun=(folder / checkpoint.LAST).exists())
    source = data.Source.photos(photos)
    with processes.first_alone():
        pixels, known, skips = data.decoded(
            source, recipe.stored, folder / "pictures", "train", told.reading, stretched=True
        )
    if len(known) < FEWEST:
        raise UsageError(
            f"{photos} holds {len(known)} pictures that can be read; give {FEWEST} at least"
        )
    rows, judged = _split([one["digest"] for one in known])
    if len(rows) < recipe.batch:
        recipe = replace(recipe, batch=len(rows) if several == 1 else len(rows) // PARTS * PARTS)
    config = CopyDetectionConfig(size=recipe.size, batch=recipe.batch)
    torch.manual_seed(recipe.seed)
    task = CopyDetection(Fingerprint(), config)
    about = {"task": "fingerprint", "recipe": asdict(recipe)}
    run = Run(task, recipe.loop(precision), folder, fabric, about)
    if run.resume():
        told.note(f"going on at step {run.step} of {recipe.steps}")
    views = Views(pixels, rows, config, seed=recipe.seed)
    fit(run, views, told.training, lambda: _figures(task.module, pixels, judged, recipe))
    processes.wait()
    network = Fingerprint()
    weights, _ = checkpoint.read(folder / checkpoint.BEST)
    network.load_state_dict(weights)
    network.eval()
    figures = {"train": len(rows), "test": len(judged)} | _figures(network, pixels, judged, recipe)
    some = judged[:12]
    return Fingerprinted(
        network,
        recipe,
        figures,
        pixels[some],
        _likeness(network, pixels, some, recipe),
        tuple(skips),
    )


@torch.inference_mode()
def _likeness(
    network: nn.Module, pixels: Pixels, rows: Rows, recipe: FingerprintRecipe
) -> npt.NDArray[np.float32]:
    """How like a mild edit of each picture is to a strong one of each."""
    network.eval()
    random = np.random.default_rng((recipe.seed, 99))
    first, second = (
        network(normalised(edited(pixels[rows], recipe.size, edits, random)))
        for edits in (MILD, STRONG)
    )
    likeness: npt.NDArray[np.float32] = (first @ second.T).float().numpy()
    return likeness


def _figures(
    network: nn.Module, pixels: Pixels, rows: Rows, recipe: FingerprintRecipe
) -> dict[str, float]:
    """How often a picture's other view is the nearest, and how like views are on average."""
    likeness = _likeness(network, pixels, rows, recipe)
    own = likeness.diagonal()
    others = likeness[~np.eye(len(likeness), dtype=bool)]
    found = {"found": float((likeness.argmax(1) == np.arange(len(likeness))).mean())}
    return found | {"own": float(own.mean()), "others": float(others.mean())}


def _split(digests: list[str]) -> tuple[Rows, Rows]:
    """One picture of twenty, two at least, to judge by; equal ones count once."""
    first = {digest: row for row, digest in reversed([*enumerate(digests)])}
    order = [first[digest] for digest in sorted(first)]
    count = max(2, min(MOST_JUDGED, len(order) // 20))
    return np.array(sorted(order[count:]), np.int64), np.array(sorted(order[:count]), np.int64)

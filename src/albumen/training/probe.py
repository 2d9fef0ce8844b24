"""A linear probe: a classifier of a pack's embeddings, learned in seconds.

Alain & Bengio, "Understanding intermediate layers using linear classifier probes", 2016. Logistic
regression on embeddings that stay as they are; how strongly its weights are held back is chosen by
cross-validation among the pictures to learn from. Shapes: N pictures, D dimensions, K classes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from albumen.packs import Pack
from albumen.training.data import Labelled

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

STRENGTHS = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4)
FOLDS = 5
AT_ONCE = 256


@dataclass(frozen=True)
class Probe:
    """logits = embeds @ weights + bias. weights: (D, K), bias: (K,)"""

    weights: Vectors
    bias: Vectors
    strength: float

    def __call__(self, embeds: Vectors) -> Vectors:
        """embeds: (N, D) -> logits (N, K)"""
        return embeds @ self.weights + self.bias


def embedded(pack: Pack, labelled: Labelled, rows: Rows) -> Vectors:
    """The pack's embeddings of these pictures, (len(rows), D)."""
    parts = np.array_split(rows, max(1, len(rows) // AT_ONCE))
    return np.concatenate([pack.encode_images(labelled.pixels[part]) for part in parts])


def fit(embeds: Vectors, labels: Rows, classes: int, seed: int = 0) -> Probe:
    """The probe of these embeddings (N, D), whose labels (N,) are below `classes`."""
    folds = _folds(labels, seed)
    scores = []
    for strength in STRENGTHS:
        right = 0
        for fold in folds:
            others = np.setdiff1d(np.arange(len(labels)), fold)
            probe = _solved(embeds[others], labels[others], classes, strength)
            right += int((probe(embeds[fold]).argmax(1) == labels[fold]).sum())
        scores.append(right)
    return _solved(embeds, labels, classes, STRENGTHS[int(np.argmax(scores))])


def _folds(labels: Rows, seed: int) -> list[Rows]:
    """Rows in `FOLDS` parts, each class spread evenly over them."""
    random = np.random.default_rng(seed)
    parts: list[list[int]] = [[] for _ in range(FOLDS)]
    for label in np.unique(labels):
        for place, row in enumerate(random.permutation(np.flatnonzero(labels == label))):
            parts[place % FOLDS].append(int(row))
    return [np.array(part, np.int64) for part in parts if part]


def _solved(embeds: Vectors, labels: Rows, classes: int, strength: float) -> Probe:
    """Cross-entropy and `strength` times the squared weights, at their least, by L-BFGS."""
    mean, spread = embeds.mean(0), embeds.std() + 1e-6
    x = torch.from_numpy((embeds - mean) / spread)
    y = torch.from_numpy(labels)
    weights = torch.zeros(x.shape[1], classes, requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    solver = torch.optim.LBFGS([weights, bias], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        solver.zero_grad()
        value = F.cross_entropy(x @ weights + bias, y) + strength * weights.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    solver.step(loss)  # type: ignore[no-untyped-call]
    learned = weights.detach().numpy() / spread
    return Probe(learned, bias.detach().numpy() - mean @ learned, strength)

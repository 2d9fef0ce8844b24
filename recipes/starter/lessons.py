"""The training pictures with all that is known of them, and the batches of any step."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from albumen.training.distillation import Lesson
from albumen.training.pictures import Augmentation, augmented

# Shares of a batch. Tiny ImageNet has half of the pictures, but of 64 pixels.
SHARES = {
    "tiny-imagenet": 0.22,
    "caltech101": 0.12,
    "scenes6": 0.07,
    "imagenette": 0.11,
    "imagenet1000": 0.04,
    "rooms4": 0.03,
    "catsdogs": 0.04,
    "flowers5": 0.06,
    "petimages": 0.06,
    "animals3": 0.01,
    "outdoors": 0.01,
    "flickr8k": 0.02,
    "flickr8k-all": 0.08,
    "coco": 0.005,
    "coco-sample": 0.02,
    "tiny-coco": 0.005,
    "miniclip": 0.005,
    "objects111": 0.005,
    "actions15": 0.03,
    "sports100": 0.03,
    "weather5": 0.01,
    "poem-photos": 0.015,
    "ade20k-val": 0.005,
    "unsplash541": 0.005,
}
AT_MOST = {"tiny-imagenet": 60_000, "petimages": 10_000}
"""More of these would only push the others out of the memory that the pictures are read from."""


def is_development(key: str) -> bool:
    """One picture of 50 is kept from training, to choose by; `val-000.tar` is never looked at."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 50 == 0


@dataclass(frozen=True)
class Described:
    """What a training shard says of a picture."""

    key: str
    source: str
    captions: tuple[str, ...]
    label: str | None
    names: tuple[str, ...]

    @classmethod
    def parse(cls, line: str) -> "Described":
        about = json.loads(line)
        label, captions = about["label"], tuple(about["captions"])
        names = tuple(about.get("names") or ([label] if label else []))
        return cls(about["key"], about["source"], captions, label, names)


class Lessons:
    """Pictures, the teacher's answers and the labels, ready for any step."""

    def __init__(self, folder: Path) -> None:
        lines = (folder / "pictures.jsonl").read_text().splitlines()
        self.described = [Described.parse(line) for line in lines]
        self.pictures = np.load(folder / "pictures.npy", mmap_mode="r")
        self.features = np.load(folder / "teacher_features.npy")
        self.logits = np.load(folder / "teacher_logits.npy")
        self.answer_of = np.full(len(lines), -1)  # row of the picture -> row of the answers
        taught = np.load(folder / "teacher_rows.npy")
        self.answer_of[taught] = np.arange(len(taught))
        self._number_labels()
        development = np.array([is_development(d.key) for d in self.described])
        self.development = np.flatnonzero(development)
        judged = set(json.loads((folder / "near_copies.json").read_text()))
        apart = np.array([d.key not in judged for d in self.described])
        self.to_choose_by = np.flatnonzero(development & apart)
        kept = ~development & apart
        told = np.array([bool(d.label or d.captions) for d in self.described])
        kept &= told | (self.answer_of >= 0)  # a picture of which nothing is known teaches nothing
        rows = {source: np.flatnonzero(kept & (self.source == source)) for source in SHARES}
        self.rows = {
            source: self._first_taught(several, source)
            for source, several in rows.items()
            if len(several)
        }

    @property
    def drawn(self) -> np.ndarray:
        """The rows that training draws from."""
        return np.unique(np.concatenate(list(self.rows.values())))

    def _number_labels(self) -> None:
        self.source = np.array([d.source for d in self.described])
        pairs = sorted({(d.source, d.label) for d in self.described if d.label})
        number = {pair: i for i, pair in enumerate(pairs)}
        self.label = np.array([number.get((d.source, d.label), -1) for d in self.described])
        owner = np.array([source for source, _ in pairs])
        self.labels_of = {source: owner == source for source in SHARES}  # (K,) each
        self.label_count = len(pairs)

    def _first_taught(self, rows: np.ndarray, source: str) -> np.ndarray:
        """At most so many of a source, those first that the teacher was asked about."""
        order = np.argsort(self.answer_of[rows] < 0, kind="stable")
        return rows[order[: AT_MOST.get(source)]]

    def draw(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Rows of one batch: the sources in their shares, without repetition within a source."""
        shares = np.array([SHARES[source] for source in self.rows])
        numbers = random.multinomial(count, shares / shares.sum())
        parts = [
            random.choice(rows, min(n, len(rows)), replace=False)
            for rows, n in zip(self.rows.values(), numbers, strict=True)
        ]
        return np.sort(np.concatenate(parts))

    def lesson(self, rows: np.ndarray, recipe: Augmentation, random: np.random.Generator) -> Lesson:
        answers = self.answer_of[rows]
        return Lesson(
            pixels=augmented(self.pictures, rows, recipe, random),
            features=torch.from_numpy(self.features[answers].astype(np.float32)),
            logits=torch.from_numpy(self.logits[answers].astype(np.float32)),
            taught=torch.from_numpy(answers >= 0),
            labels=torch.from_numpy(self.label[rows]),
            allowed=torch.from_numpy(np.stack([self.labels_of[s] for s in self.source[rows]])),
        )

"""The training pictures with all that is known of them, and the batches of any step."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from albumen.training.distillation import Lesson
from albumen.training.pictures import Augmentation, augmented

# Shares of a batch. Tiny ImageNet has two thirds of the pictures, but of 64 pixels.
SHARES = {
    "tiny-imagenet": 0.28,
    "caltech101": 0.14,
    "scenes6": 0.14,
    "imagenette": 0.16,
    "imagenet1000": 0.06,
    "rooms4": 0.04,
    "catsdogs": 0.07,
    "flowers5": 0.06,
    "flickr8k": 0.04,
    "coco": 0.01,
}


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
        self.rows = {
            source: np.flatnonzero(~development & (self.source == source)) for source in SHARES
        }

    def _number_labels(self) -> None:
        self.source = np.array([d.source for d in self.described])
        pairs = sorted({(d.source, d.label) for d in self.described if d.label})
        number = {pair: i for i, pair in enumerate(pairs)}
        self.label = np.array([number.get((d.source, d.label), -1) for d in self.described])
        owner = np.array([source for source, _ in pairs])
        self.labels_of = {source: owner == source for source in SHARES}  # (K,) each
        self.label_count = len(pairs)

    def draw(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Rows of one batch: the sources in their shares, without repetition within a source."""
        numbers = random.multinomial(count, list(SHARES.values()))
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

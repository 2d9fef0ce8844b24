"""Batches for the last stage: the locked trunk's features, and questions about labels in words."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from recipes.starter.concepts import plain
from recipes.starter.lessons import Lessons
from recipes.starter.matches import BatchSize, Matcher, framed
from torch import Tensor

from albumen.models.resnet import Trunk
from albumen.training.naming import Naming, Question
from albumen.training.pictures import Augmentation, augmented

CHUNK = 128
ASKED = 128  # pictures of a set in a batch
SETS = 3  # sets in a batch that are asked about
MOST_NAMES = 200  # of a set in a batch
WORDING = ("a photo of {}", "a photo of a {}", "{}", "a {}", "a picture of {}")


@torch.inference_mode()
def features_of(trunk: Trunk, lessons: Lessons, rows: np.ndarray, size: int) -> np.ndarray:
    """The trunk's averages over places of a random crop of each row, float16 (N, F)."""
    found = np.zeros((len(rows), trunk.channels), np.float16)
    parts = np.array_split(np.arange(len(rows)), len(rows) // CHUNK + 1)
    started = time.monotonic()

    def look(part: np.ndarray) -> None:
        random = np.random.default_rng(int(part[0]))
        pixels = augmented(lessons.pictures, rows[part], Augmentation(size=size), random)
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            found[part] = trunk(pixels).float().mean((2, 3)).half().numpy()
        if part[0] // CHUNK % 200 == 0:
            rate = (part[-1] + 1) / (time.monotonic() - started)
            print(f"{part[-1] + 1} of {len(rows)} pictures, {rate:.0f} a second", flush=True)

    trunk.eval()
    with ThreadPoolExecutor(torch.get_num_interop_threads()) as threads:
        list(threads.map(look, parts))
    return found


class Questions:
    """Draws batches of the last stage."""

    def __init__(self, lessons: Lessons, matcher: Matcher, features: np.ndarray) -> None:
        """`features`: one row for each picture that training may draw, zeros for the others."""
        self.lessons, self.matcher, self.features = lessons, matcher, features
        self.names = {
            source: sorted({lessons.described[r].label or "" for r in rows} - {""})
            for source, rows in lessons.rows.items()
        }
        self.sets = [source for source, names in self.names.items() if len(names) > 1]

    def batch(self, size: BatchSize, random: np.random.Generator) -> Naming:
        rows = self.lessons.draw(size.pictures, random)
        texts, truth = self.matcher.texts(rows, size, random)
        return Naming(self._seen(rows), texts, truth, self.question(random))

    def _seen(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(self.features[rows].astype(np.float32))

    def question(self, random: np.random.Generator) -> Question:
        """Pictures of some sets, each asked for its label among its own set's names."""
        rows, owner, labels, texts = [], [], [], []
        for number, source in enumerate(random.choice(self.sets, SETS, replace=False)):
            some = random.choice(self.lessons.rows[source], ASKED)
            some = np.array([r for r in some if self.lessons.described[r].label])
            own = [self.lessons.described[r].label for r in some]
            names = self._some_names(source, set(own), random)
            place = {name: len(texts) + i for i, name in enumerate(names)}
            rows.append(some)
            labels += [place[name] for name in own]
            owner += [number] * len(names)
            texts += [self._worded(name, random) for name in names]
        allowed = np.repeat(np.arange(SETS), [len(some) for some in rows])[:, None] == owner
        seen = self._seen(np.concatenate(rows))
        names_ids = self.matcher.pool.tokens(texts)
        return Question(seen, names_ids, torch.from_numpy(allowed), torch.tensor(labels))

    def _some_names(self, source: str, own: set[str], random: np.random.Generator) -> list[str]:
        """The labels of the batch's own pictures, and others of the set up to a bound."""
        others = [name for name in self.names[source] if name not in own]
        count = max(0, min(len(others), MOST_NAMES - len(own)))
        chosen = random.choice(len(others), count, replace=False) if count else ()
        return sorted(own) + [others[i] for i in chosen]

    @staticmethod
    def _worded(name: str, random: np.random.Generator) -> str:
        """The name as a query: bare, framed as people would, or as templates do without grammar."""
        if random.random() < 0.5:
            return framed(plain(name), random)
        return str(random.choice(WORDING)).format(plain(name))

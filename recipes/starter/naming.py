"""Batches for the stage `name`: what the locked trunk sees, and questions about labels in words."""

import numpy as np
import torch
from recipes.starter.concepts import plain
from recipes.starter.lessons import Lessons
from recipes.starter.matches import BatchSize, Matcher, framed
from torch import Tensor

from albumen.training.naming import Naming, Question

ASKED = 128  # pictures of a set in a batch
SETS = 3  # sets in a batch that are asked about
MOST_NAMES = 200  # of a set in a batch
WORDING = ("a photo of {}", "a photo of a {}", "{}", "a {}", "a picture of {}")


class Questions:
    """Draws batches of the stage `name`."""

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

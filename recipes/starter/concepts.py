"""What may be said of a picture: every label and class with its synonyms, and wider words for them.

A concept has phrases that name it. For a label, or for the teacher's answer about a picture, there
is a truth for every concept: whether, or how likely, its phrases describe the picture.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from recipes.starter.lessons import Described

GROUPS = Path(__file__).with_name("groups.txt")
SYNONYMS = 3  # WordNet puts the common names first and the Latin ones last


def plain(text: str) -> str:
    """Lower case, one space between words, no full stop or quotes at the ends."""
    return re.sub(r"\s+", " ", text).strip(' ."').lower()


def read_groups(file: Path = GROUPS) -> list[tuple[list[str], list[str]]]:
    """The groups as (phrases, members)."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    parts = [line.split(":", 1) for line in lines]
    return [([plain(p) for p in phrases.split(",")], [plain(m) for m in members.split(",")])
            for phrases, members in parts]  # fmt: skip


class Concepts:
    """All concepts: `phrases[c]` names concept c, `is_group[c]` says that it is a wider word.

    `of_label[source, label]` and `of_class[k]` are the concepts true of them, as bool (C,).
    """

    def __init__(self, classes: list[list[str]], described: Sequence[Described]) -> None:
        labels = sorted({(d.source, d.label, d.names) for d in described if d.label})
        phrases: dict[str, list[str]] = {}
        for names in [*classes, *(list(names) for _, _, names in labels)]:
            several = phrases.setdefault(plain(names[0]), [])
            several += [plain(n) for n in names[:SYNONYMS] if plain(n) not in several]
        groups = read_groups()
        number = {key: i for i, key in enumerate(phrases)}
        self.phrases = [*phrases.values(), *(names for names, _ in groups)]
        self.is_group = np.arange(len(self.phrases)) >= len(phrases)
        self.of_class = np.zeros((len(classes), len(self.phrases)), bool)
        class_keys = [plain(names[0]) for names in classes]
        self.of_class[np.arange(len(classes)), [number[key] for key in class_keys]] = True
        truths = np.eye(len(phrases), len(self.phrases), dtype=bool)
        for g, (_, members) in enumerate(groups, len(phrases)):
            for member in members:
                span = re.fullmatch(r"(\d+)-(\d+)", member)
                if span:
                    chosen = range(int(span[1]), int(span[2]) + 1)
                    self.of_class[chosen, g] = True
                    truths[[number[class_keys[k]] for k in chosen], g] = True
                elif member not in number:
                    raise KeyError(f"{GROUPS.name}: no label is called {member!r}")
                else:
                    truths[number[member], g] = True
                    self.of_class[[k for k, key in enumerate(class_keys) if key == member], g] = (
                        True
                    )
        self.of_label = {(s, label): truths[number[plain(names[0])]] for s, label, names in labels}

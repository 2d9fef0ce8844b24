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
    pairs = (line.split(":", 1) for line in lines)
    return [(_listed(phrases), _listed(members)) for phrases, members in pairs]


def _listed(text: str) -> list[str]:
    return [plain(item) for item in text.split(",")]


class Concepts:
    """All concepts: `phrases[c]` names concept c, `is_group[c]` says that it is a wider word.

    `of_label[source, label]` and `of_class[k]` are the concepts true of them, as bool (C,).
    """

    def __init__(
        self, classes: list[list[str]], described: Sequence[Described], groups: Path = GROUPS
    ) -> None:
        labels = sorted({(d.source, d.label, d.names) for d in described if d.label})
        phrases: dict[str, list[str]] = {}
        for names in [*classes, *(list(names) for _, _, names in labels)]:
            several = phrases.setdefault(plain(names[0]), [])
            several += [plain(n) for n in names[:SYNONYMS] if plain(n) not in several]
        wider = read_groups(groups)
        self.phrases = [*phrases.values(), *(names for names, _ in wider)]
        self.is_group = np.arange(len(self.phrases)) >= len(phrases)
        number = {key: i for i, key in enumerate(phrases)}
        class_keys = [plain(names[0]) for names in classes]
        truths = np.eye(len(phrases), len(self.phrases), dtype=bool)
        self.of_class = truths[[number[key] for key in class_keys]]
        for group, (_, members) in enumerate(wider, len(phrases)):
            for member in members:
                chosen = members_of(member, class_keys)
                keys = {class_keys[k] for k in chosen} or {member}
                if not keys <= number.keys():
                    raise KeyError(f"{groups.name}: no label is called {member!r}")
                truths[[number[key] for key in keys], group] = True
                self.of_class[chosen, group] = True
            for name in {bare(phrase) for phrase in wider[group - len(phrases)][0]} & number.keys():
                # "a dog" is true of a spaniel: then so is "dog", a label elsewhere.
                for truth in (truths, self.of_class):
                    truth[:, number[name]] |= truth[:, group]
        self.of_label = {(s, label): truths[number[plain(names[0])]] for s, label, names in labels}


def bare(phrase: str) -> str:
    """The phrase without its article."""
    return re.sub("^(an?|the) ", "", phrase)


def members_of(member: str, class_keys: list[str]) -> list[int]:
    """The classes that a member means: one number, a range of them, or those of its name."""
    span = re.fullmatch(r"(\d+)(?:-(\d+))?", member)
    if span:
        return list(range(int(span[1]), int(span[2] or span[1]) + 1))
    return [k for k, key in enumerate(class_keys) if key == member]

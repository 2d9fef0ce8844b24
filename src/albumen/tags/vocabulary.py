"""The vocabulary: which tags the model may give. The owner edits it as a text.

    # a comment
    [animals]
    dog
    sea lion = a sea lion; a seal

A line is a tag. What follows " = " is what the model is asked instead of the tag's own name;
several questions are separated by ";" and count together.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import groupby

from blake3 import blake3

from albumen.errors import AlbumenError, UsageError
from albumen.library import tag_name
from albumen.library.store import Store

SETTING = "vocabulary"
"""The setting of a library that holds the owner's text; without it, the default counts."""

UNGROUPED = "other"
MOST_TAGS = 100_000
LARGEST_TEXT = 16 << 20


class VocabularyError(UsageError):
    """A vocabulary that cannot be taken as it stands."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag: its name, its group, and what the model is asked in its stead, if anything else."""

    name: str
    group: str = UNGROUPED
    questions: tuple[str, ...] = ()

    @property
    def asked(self) -> tuple[str, ...]:
        """What the model is asked."""
        return self.questions or (self.name,)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tags in the owner's order, each once, those of a group together."""

    entries: tuple[Entry, ...]

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def groups(self) -> dict[str, list[Entry]]:
        """The tags by group, in order."""
        return {name: list(some) for name, some in groupby(self.entries, lambda one: one.group)}

    @property
    def hash(self) -> bytes:
        """What tells this vocabulary from another."""
        return blake3(self.text().encode()).digest(length=16)

    def text(self) -> str:
        """As the owner sees and edits it; `parse` takes it back."""
        parts = []
        for group, entries in self.groups.items():
            parts.append(f"[{group}]\n" + "".join(f"{_line(entry)}\n" for entry in entries))
        return "\n".join(parts)

    def with_tags(self, names: Iterable[str], group: str | None = None) -> "Vocabulary":
        """With further tags; one that is there stays, in `group` if that is given."""
        entries = {tag_name.key(entry.name): entry for entry in self.entries}
        for name in names:
            entry = _entry(name, UNGROUPED)
            key = tag_name.key(entry.name)
            known = entries.get(key, entry)
            entries[key] = replace(known, group=_clean(group)) if group else known
        return _checked(entries.values())

    def without(self, names: Sequence[str]) -> "Vocabulary":
        """Without these tags; raises VocabularyError for one that it does not hold."""
        keys = {tag_name.key(_clean(name)): name for name in names}
        known = {tag_name.key(entry.name) for entry in self.entries}
        if strange := [name for key, name in keys.items() if key not in known]:
            raise VocabularyError(
                f'the vocabulary has no tag "{strange[0]}"; see: albumen tags vocabulary'
            )
        left = [entry for entry in self.entries if tag_name.key(entry.name) not in keys]
        return Vocabulary(tuple(left))


def parse(text: str) -> Vocabulary:
    """The vocabulary that a text describes; a tag that comes twice counts once.

    Raises VocabularyError, with the line, for what is no tag.
    """
    if len(text) > LARGEST_TEXT:
        raise VocabularyError(f"a vocabulary has {LARGEST_TEXT >> 20} MB at most")
    entries: dict[str, Entry] = {}
    group = UNGROUPED
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), 1):
        line = line.strip()
        if not line or line == "#" or line.startswith("# "):
            continue
        try:
            if line.startswith("[") and line.endswith("]"):
                group = _clean(line[1:-1])
            else:
                entry = _entry(line, group)
                entries.setdefault(tag_name.key(entry.name), entry)
        except AlbumenError as error:
            raise VocabularyError(f"line {number} of the vocabulary: {error}") from error
    return _checked(entries.values())


@cache
def default() -> Vocabulary:
    """The one that comes with Albumen."""
    file = files("albumen.tags").joinpath("default_vocabulary.txt")
    return parse(file.read_text(encoding="utf-8"))


def of(store: Store) -> Vocabulary:
    """The owner's vocabulary of a library, else the default."""
    text = store.setting(SETTING)
    return default() if text is None else parse(text)


def keep(store: Store, vocabulary: Vocabulary) -> None:
    """Make it the library's; the default is kept as none, so that it grows with Albumen."""
    if vocabulary == default():
        store.remove_setting(SETTING)
    else:
        store.set_setting(SETTING, vocabulary.text())


def _entry(line: str, group: str) -> Entry:
    name, _, asked = line.partition(" = ")
    questions = tuple(question for part in asked.split(";") if (question := " ".join(part.split())))
    return Entry(_clean(name), group, questions)


def _clean(name: str) -> str:
    plain = tag_name.clean(name)
    if plain.startswith("[") or plain.startswith("# ") or plain == "#" or " = " in f" {plain} ":
        raise VocabularyError(
            f'"{plain}" would be read as something else than a tag; leave out "[", "# " and " = "'
        )
    return plain


def _line(entry: Entry) -> str:
    return f"{entry.name} = {'; '.join(entry.questions)}" if entry.questions else entry.name


def _checked(entries: Iterable[Entry]) -> Vocabulary:
    """Those of one group together, groups in the order of their first tags."""
    given = list(entries)
    if len(given) > MOST_TAGS:
        raise VocabularyError(f"a vocabulary holds {MOST_TAGS:,} tags at most, not {len(given):,}")
    return Vocabulary(tuple(_grouped(given)))


def _grouped(entries: Sequence[Entry]) -> Iterator[Entry]:
    order = {group: at for at, group in enumerate(dict.fromkeys(one.group for one in entries))}
    yield from sorted(entries, key=lambda entry: order[entry.group])

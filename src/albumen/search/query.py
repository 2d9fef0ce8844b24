"""What is asked of search: words, example pictures, what not to show, and filters."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from albumen.errors import UsageError


class QueryError(UsageError):
    """The query cannot be answered as it stands."""


@dataclass(frozen=True, slots=True)
class Query:
    """A request for photos; raises `QueryError` when it asks for nothing or contradicts itself.

    text, like: what the photos show, in words and as example pictures; one of them, or `tags`.
    negative: words for what they do not show.
    after, before: days; photos taken on or after `after`, and earlier than `before`.
    under: a folder; photos that lie in it or deeper.
    tags: photos that have each of these tags; without `text` and `like`, the tags are looked for.
    limit: at most so many photos; show_all: those below the pack's cut-off as well.
    """

    text: tuple[str, ...] = ()
    like: tuple[Path, ...] = ()
    negative: tuple[str, ...] = ()
    after: date | None = None
    before: date | None = None
    under: Path | None = None
    tags: tuple[str, ...] = ()
    limit: int = 20
    show_all: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", _clean(self.text))
        object.__setattr__(self, "negative", _clean(self.negative))
        object.__setattr__(self, "tags", _clean(self.tags))
        if not self.text and not self.like and not self.tags:
            only = "says only what not to show" if self.negative else "is empty"
            raise QueryError(f'the query {only}; say what to look for, such as "a dog on a beach"')
        if self.limit < 1:
            raise QueryError(f"cannot show {self.limit} photos; ask for 1 or more")
        if self.after and self.before and self.after >= self.before:
            raise QueryError(f"no day is on or after {self.after} and earlier than {self.before}")

    @property
    def filtered(self) -> bool:
        """Whether only a part of the library is asked for."""
        bounds = (self.after, self.before, self.under)
        return bool(self.tags) or any(bound is not None for bound in bounds)

    @property
    def words(self) -> tuple[str, ...]:
        """The texts that are looked for."""
        return self.text or (() if self.like else self.tags)

    @property
    def subject(self) -> str:
        """What the photos show, as a phrase: `a dog, like rex.jpg, without people`."""
        examples = (f"like {path.name}" for path in self.like)
        return ", ".join([*self.words, *examples, *(f"without {text}" for text in self.negative)])

    @property
    def filters(self) -> tuple[str, ...]:
        """Which part of the library is asked for: `from 2023-01-01`, `before …`, `in /photos`."""
        bounds = {"from": self.after, "before": self.before, "in": self.under}
        told = tuple(f"{word} {bound}" for word, bound in bounds.items() if bound is not None)
        return told + tuple(f"tagged {tag}" for tag in self.tags)


def parse_day(text: str) -> date:
    """The first day of `2023`, `2023-05` or `2023-05-17`; raises `QueryError` for anything else."""
    if re.fullmatch(r"\d{4}(-\d{2}){0,2}", text):
        try:
            return date.fromisoformat(f"{text}-01-01"[:10])
        except ValueError:
            pass
    raise QueryError(f"'{text}' is no date; write 2023, 2023-05 or 2023-05-17")


def day_before(day: date | None) -> date | None:
    """The last day that `before` admits: the store counts both ends in."""
    return day if day is None or day == date.min else day - timedelta(days=1)


def _clean(texts: tuple[str, ...]) -> tuple[str, ...]:
    # Bytes of a command line that are no UTF-8 would stop the tokenizer; they cannot match anyway.
    plain = (" ".join(text.encode(errors="replace").decode().split()) for text in texts)
    return tuple(text for text in plain if text)

"""Files are moved some at a time: a batch in one turn, and told of before Ctrl-C comes."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import TypeVar

from albumen.library.store import Store
from albumen.trash.interrupts import held
from albumen.trash.settling import settle_begun
from albumen.trash.turn import turn

BATCH = 50
"""Files moved in one turn: few commits for all of them, and others wait no longer than that."""

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def in_batches(
    store: Store, items: Iterable[Item], move: Callable[[Sequence[Item]], list[Outcome]]
) -> Iterator[Outcome]:
    """What `move` says of each batch, after what killed processes began was put in order."""
    remaining = iter(items)
    while some := list(itertools.islice(remaining, BATCH)):
        with ExitStack() as until_told:
            with turn(store.home):
                settle_begun(store)
                until_told.enter_context(held())
                outcomes = move(some)
            yield from outcomes

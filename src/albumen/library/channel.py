"""A bounded queue between two stages, which knows when its producers are done."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Channel(Generic[T]):
    """Producers `put` and at the end `close`; consumers `get` or iterate until nothing can come.

    At most `capacity` items wait: a producer that is too quick waits for room, so memory stays
    flat. `stop` ends both sides at once and drops what waits.
    """

    def __init__(self, capacity: int, *, producers: int = 1):
        self._capacity = capacity
        self._producers = producers
        self._items: deque[T] = deque()
        self._changed = threading.Condition()

    def put(self, item: T) -> bool:
        """Wait for room, then hand the item over. False if the channel was stopped."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < self._capacity or self.ended)
            if self.ended:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def close(self) -> None:
        """One producer is done."""
        with self._changed:
            self._producers -= 1
            self._changed.notify_all()

    def stop(self) -> None:
        """End: nothing more goes in, and what waits is dropped."""
        with self._changed:
            self._producers = 0
            self._items.clear()
            self._changed.notify_all()

    @property
    def ended(self) -> bool:
        """Whether no producer is left; items may still wait."""
        return self._producers <= 0

    def take(self, most: int, seconds: float) -> list[T]:
        """Up to `most` items: waits for the first, then at most `seconds` more for the rest.

        Fewer come when time is up or nothing more can come; none only at the end.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self.ended)
            until = time.monotonic() + seconds
            while len(self._items) < most and not self.ended:
                if not self._changed.wait(max(0.0, until - time.monotonic())):
                    break
            taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
            self._changed.notify_all()
            return taken

    def poll(self, seconds: float) -> list[T]:
        """All that waits, after waiting at most `seconds` for something."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self.ended, seconds)
            taken = list(self._items)
            self._items.clear()
            self._changed.notify_all()
            return taken

    def __iter__(self) -> Iterator[T]:
        while taken := self.take(1, 0.0):
            yield taken[0]


class Budget:
    """So many bytes of files may be held at a time, by all threads together."""

    def __init__(self, limit: int):
        self._limit = limit
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Wait until `size` fits; what exceeds the whole budget goes alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held or self._held + size <= self._limit)
            self._held += size
        try:
            yield
        finally:
            with self._changed:
                self._held -= size
                self._changed.notify_all()

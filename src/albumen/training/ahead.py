"""The next batch is made while the step with this one runs."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any


class Ahead(Iterator[Any]):
    """Batches `first` to `end` - 1 of `batch_of`, in order, `depth` of them made beforehand.

    One thread makes them, one after the other; what goes wrong there is raised where the batch is
    asked for.
    """

    def __init__(
        self, batch_of: Callable[[int], Any], first: int, end: int, depth: int = 2
    ) -> None:
        self._batch_of, self._end, self._next = batch_of, end, first
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._waiting: list[Future[Any]] = []
        for _ in range(depth):
            self._order()

    def _order(self) -> None:
        if self._next < self._end:
            self._waiting.append(self._thread.submit(self._batch_of, self._next))
            self._next += 1

    def __next__(self) -> Any:
        if not self._waiting:
            raise StopIteration
        batch = self._waiting.pop(0).result()
        self._order()
        return batch

    def __enter__(self) -> "Ahead":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

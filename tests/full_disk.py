"""A disk without room, where a test needs one: Linux's /dev/full under the names of new files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def full_disk() -> Iterator[None]:
    """Each file that is made meanwhile ("x") is there, and takes nothing."""
    opened = Path.open

    def on_it(path: Path, mode: str = "r", *args: Any, **others: Any) -> Any:
        if "x" not in mode:
            return opened(path, mode, *args, **others)
        path.touch(exist_ok=False)
        return open("/dev/full", mode.replace("x", "w"), *args, **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", on_it)
        yield

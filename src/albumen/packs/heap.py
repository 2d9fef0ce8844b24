"""How much freed memory glibc keeps for later: by its own choice more than our program needs.

Elsewhere (macOS, Windows, musl) nothing of this is needed, and nothing happens.
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # of malloc.h

KEPT_BY_A_WORKER = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(128 << 20)}
"""Environment of a process that needs many large blocks, one picture's after another's: to get each
from the system, zeroed a page at a time, took a quarter of the time of decoding a BMP."""


@cache
def _function(name: str) -> Any:
    """A function of the C library, or None where it has no such one."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None


def _set(parameter: int, value: int) -> None:
    if mallopt := _function("mallopt"):
        mallopt(parameter, value)


def share_one() -> None:
    """Let threads that start from now on share one heap.

    Each had its own, and what lay fallow in one served no other. Python's threads seldom allocate
    at once.
    """
    _set(M_ARENA_MAX, 1)


@contextmanager
def large_blocks_returned() -> Iterator[None]:
    """Let blocks that are freed meanwhile go back to the system.

    glibc keeps freed blocks of up to 32 MB, and a model leaves many while it is opened: one with
    350 MB of weights took 610 MB, and takes 420 so.
    """
    _set(M_MMAP_THRESHOLD, 1 << 20)
    try:
        yield
    finally:
        _set(M_MMAP_THRESHOLD, 32 << 20)


def give_back() -> None:
    """Give all that is free back to the system."""
    if trim := _function("malloc_trim"):
        trim(0)

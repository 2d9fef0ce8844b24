"""From text to the text tower's ids, by the `tokenizers` library."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from albumen.packs.errors import PackError
from albumen.packs.manifest import TokenizerRecord

# Its threads gain nothing on a query's few words, and warn when a process forks.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text's ids with start and end; `truncated` if its end did not fit into the context."""

    ids: tuple[int, ...]
    truncated: bool


@contextmanager
def read_safely(file: Path) -> Iterator[None]:
    """Whatever the library raises of a file's content, even where it panics, as `PackError`.

    A panic of code in Rust is no Exception: it would end the program, like Ctrl-C.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise PackError(f"{file} is no tokenizer ({error}); get the pack again") from error


class Tokenizer:
    """The tokenizer of one pack."""

    def __init__(self, data: bytes, record: TokenizerRecord, file: Path) -> None:
        from tokenizers import Tokenizer as Backend

        self._file, self._pad_id = file, record.pad_id
        with read_safely(file):
            self._backend = Backend.from_str(data.decode())
            self._backend.enable_truncation(record.context)
            self._backend.no_padding()

    def tokens(self, text: str) -> Tokens:
        """The ids of one text."""
        with read_safely(self._file):
            encoding = self._backend.encode(_valid(text))
        return Tokens(tuple(encoding.ids), bool(encoding.overflowing))

    def batch(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ids of texts and their mask, 1 for a token and 0 for padding; both int64 (B, T).

        T is that of the longest text; the others are padded on the right.
        """
        with read_safely(self._file):
            encodings = self._backend.encode_batch([_valid(text) for text in texts])
        rows = [encoding.ids for encoding in encodings]
        ids = np.full((len(rows), max(map(len, rows))), self._pad_id, np.int64)
        # Not `ids != pad_id`: the published CLIPs pad with the token that also ends a text.
        mask = np.zeros_like(ids)
        for row, marks, given in zip(ids, mask, rows, strict=True):
            row[: len(given)], marks[: len(given)] = given, 1
        return ids, mask


def _valid(text: str) -> str:
    """The text without halves of surrogate pairs, which a terminal's odd bytes become."""
    return text.encode("utf-8", "replace").decode("utf-8")

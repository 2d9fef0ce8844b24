"""From text to the text tower's ids, by the `tokenizers` library."""

import os
from collections.abc import Sequence
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


class Tokenizer:
    """The tokenizer of one pack."""

    def __init__(self, data: bytes, record: TokenizerRecord, file: Path) -> None:
        from tokenizers import Tokenizer as Backend

        try:
            self._backend = Backend.from_str(data.decode())
        except Exception as error:  # the library raises plain Exception
            raise PackError(f"{file} is no tokenizer ({error}); get the pack again") from error
        self._backend.enable_truncation(record.context)
        self._backend.no_padding()
        self._pad_id = record.pad_id

    def tokens(self, text: str) -> Tokens:
        """The ids of one text."""
        encoding = self._backend.encode(text)
        return Tokens(tuple(encoding.ids), bool(encoding.overflowing))

    def batch(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """The ids of texts, int64 (B, T): T is that of the longest, the others are padded right."""
        rows = [encoding.ids for encoding in self._backend.encode_batch(list(texts))]
        ids = np.full((len(rows), max(map(len, rows))), self._pad_id, np.int64)
        for row, given in zip(ids, rows, strict=True):
            row[: len(given)] = given
        return ids

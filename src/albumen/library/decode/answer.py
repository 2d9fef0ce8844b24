"""What a worker says of a picture: believed only where it could be true.

Its decoders read files that may mean harm, so that what comes back is checked as the files are. An
answer is a JSON line, either {"failure"} or the fields of `Answer`, with the pixels behind it.
"""

import json
import math
from dataclasses import dataclass, field
from typing import IO

import numpy as np
from numpy.typing import NDArray

from albumen.library.decode.bounds import MAX_SHOWN
from albumen.library.decode.outcome import DecodeError
from albumen.library.records import Failure, Metadata, Told
from albumen.packs.typed_json import build

Pixels = NDArray[np.uint8]

LONGEST = 1 << 16
"""Bytes of the line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found; the fields from `image_hash` on only where all that a file tells was asked.

    shape: of the pixels (H, W, C), which follow. image_hash: as hexadecimal digits.
    """

    format: str
    width: int
    height: int
    shape: tuple[int, int, int]
    orientation: int = 1
    image_hash: str | None = None
    metadata: Metadata = field(default_factory=Metadata)
    told: Told = field(default_factory=Told)
    failures: tuple[Failure, ...] = ()

    def __post_init__(self) -> None:
        if min(self.shape) < 0 or math.prod(self.shape) > 3 * MAX_SHOWN:
            raise ValueError(f"no sane worker sends pixels of {self.shape}")
        bytes.fromhex(self.image_hash or "")


def read(out: IO[bytes]) -> tuple[Answer, Pixels]:
    """The next answer. Raises DecodeError for a failure that it tells; ValueError or EOFError for
    what is no answer.
    """
    try:
        said = json.loads(out.readline(LONGEST))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if isinstance(said, dict) and "failure" in said:
        raise DecodeError.of(build(Failure, said["failure"]))
    answer = build(Answer, said)
    pixels = np.empty(answer.shape, np.uint8)
    if out.readinto(pixels.reshape(-1).data) < pixels.size:  # type: ignore[attr-defined]
        raise EOFError
    return answer, pixels

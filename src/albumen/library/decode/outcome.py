"""What decoding gives: pixels, or an error with a reason for people."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from albumen.errors import AlbumenError
from albumen.library.records import Failure, Status

TRUNCATED = "the file ends in the middle of its picture (truncated)"


class DecodeError(AlbumenError):
    """A file gave no pixels.

    `status` is "skipped" for what is no picture that Albumen reads, and "failed" for one that it
    reads in general, but not this one: damaged, truncated, too large, too slow. `lasting` is false
    where the same bytes may well pass next time: a worker that somebody ended.
    """

    def __init__(self, status: Status, reason: str, *, lasting: bool = True):
        super().__init__(reason)
        self.failure = Failure("decode", status, reason, lasting)

    @classmethod
    def of(cls, failure: Failure) -> "DecodeError":
        """The error for a failure, of whatever stage, that a worker told."""
        error = cls(failure.status, failure.reason, lasting=failure.lasting)
        error.failure = failure
        return error

    @property
    def status(self) -> Status:
        """Whether the file was skipped or failed."""
        return self.failure.status

    @property
    def reason(self) -> str:
        """Why, for people."""
        return self.failure.reason


@dataclass(frozen=True, slots=True)
class DecodedPixels:
    """A picture, upright. `pixels`: uint8 RGB (H, W, 3), reduced.

    `width` and `height` are the full picture's as shown (upright); `orientation` is what EXIF said
    (1 to 8) and has been applied.
    """

    format: str
    width: int
    height: int
    pixels: NDArray[np.uint8]
    orientation: int = 1

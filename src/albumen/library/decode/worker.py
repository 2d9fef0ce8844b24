"""The other end of `workers`: a process that decodes one picture at a time, until its input ends.

Request: one JSON line {"size", "format", "short_side", "seconds"}, then `size` bytes of a file.
Answer: one JSON line, either {"status", "reason"} or {"format", "width", "height", "orientation",
"shape"} followed by the pixels. It writes no file, and it ends itself when a picture takes too
long, so that it can't outlive a parent that was killed.
"""

import json
import os
import resource
import signal
import sys
import warnings
from typing import IO, Any

from PIL import Image

from albumen.library.decode.bounds import MAX_PIXELS
from albumen.library.decode.outcome import DecodedPixels, DecodeError
from albumen.library.decode.rendering import decode_with_pillow


def main(memory: int) -> None:
    """Serve standard input; `memory` bounds the address space, in bytes."""
    requests, answers = sys.stdin.buffer, _take_stdout()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow's own bound, at twice this, is ours
    while line := requests.readline():
        _serve(json.loads(line), requests, answers)


def _take_stdout() -> IO[bytes]:
    """Answers get a descriptor of their own: native libraries may print on the usual one."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return answers


def _serve(request: dict[str, Any], requests: IO[bytes], answers: IO[bytes]) -> None:
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])
    try:
        data = requests.read(request["size"])
        decoded = decode_with_pillow(data, request["format"], request["short_side"])
        answer, pixels = _answer(decoded), decoded.pixels.tobytes()
    except DecodeError as error:
        answer, pixels = {"status": error.status, "reason": error.reason}, b""
    signal.setitimer(signal.ITIMER_REAL, 0)
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.write(pixels)
    answers.flush()


def _answer(decoded: DecodedPixels) -> dict[str, Any]:
    return {
        "format": decoded.format,
        "width": decoded.width,
        "height": decoded.height,
        "orientation": decoded.orientation,
        "shape": decoded.pixels.shape,
    }

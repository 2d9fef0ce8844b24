"""The other end of `workers`: a process that works at one picture at a time, until its input ends.

Requests are JSON lines. {"size", "format", "short_side", "seconds"}, and `size` bytes of a file,
asks for pixels; {"path", "size", "mtime_ns", "hash", "short_side", "seconds"} for all that a file
tells. `answer` says what is given back. It writes no file, and it ends itself when a picture takes
too long, so that it can't outlive a parent that was killed.
"""

import json
import os
import resource
import select
import signal
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from PIL import Image

from albumen.library.decode.bounds import MAX_PIXELS
from albumen.library.decode.formats import detect
from albumen.library.decode.here import decode_here
from albumen.library.decode.outcome import DecodeError
from albumen.library.develop import see
from albumen.library.identify import read_again
from albumen.library.records import Failure, Root, Seen
from albumen.packs import heap

IDLE = 1.0
"""Seconds without a request after which the memory kept for the next one goes back."""

Found = tuple[dict[str, Any], bytes]


def main(memory: int) -> None:
    """Serve standard input; `memory` bounds the address space, in bytes."""
    requests, answers = sys.stdin.buffer, _take_stdout()
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # Pillow's own bound, at twice this, is ours
    while line := _next(requests):
        _serve(json.loads(line), requests, answers)


def _next(requests: IO[bytes]) -> bytes:
    """The next request. Nothing else is buffered then: who asks waits for the answer first."""
    ready, _, _ = select.select([requests], [], [], IDLE)
    if not ready:
        heap.give_back()
    return requests.readline()


def _take_stdout() -> IO[bytes]:
    """Answers get a descriptor of their own: native libraries may print on the usual one."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return answers


def _serve(request: dict[str, Any], requests: IO[bytes], answers: IO[bytes]) -> None:
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])
    try:
        answer, pixels = _develop(request) if "path" in request else _decode(request, requests)
    except DecodeError as error:
        answer, pixels = {"failure": asdict(error.failure)}, b""
    signal.setitimer(signal.ITIMER_REAL, 0)
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.write(pixels)
    answers.flush()


def _decode(request: dict[str, Any], requests: IO[bytes]) -> Found:
    data = requests.read(request["size"])
    decoded = decode_here(data, request["format"], request["short_side"])
    answer = {
        "format": decoded.format,
        "width": decoded.width,
        "height": decoded.height,
        "orientation": decoded.orientation,
        "shape": decoded.pixels.shape,
    }
    return answer, decoded.pixels.tobytes()


def _develop(request: dict[str, Any]) -> Found:
    path, content = bytes.fromhex(request["path"]), bytes.fromhex(request["hash"])
    try:
        data = read_again(path, request["size"], content)
    except OSError as error:
        failure = Failure("identify", "failed", str(error.strerror or error).lower(), lasting=False)
        return {"failure": asdict(failure)}, b""
    folder, _, name = path.rpartition(b"/")
    seen = Seen(Root(0, Path(os.fsdecode(folder))), name, len(data), request["mtime_ns"], 0)
    try:
        decoded, failures = see(
            seen, content, data, lambda data: decode_here(data, detect(data), request["short_side"])
        )
    except MemoryError:
        raise DecodeError("failed", "decoding it takes more memory than is allowed") from None
    answer = {
        "format": decoded.format,
        "width": decoded.width,
        "height": decoded.height,
        "image_hash": decoded.image_hash.hex() if decoded.image_hash else None,
        "metadata": asdict(decoded.metadata),
        "told": asdict(decoded.told),
        "failures": [asdict(failure) for failure in failures],
        "shape": decoded.pixels.shape,
    }
    return answer, decoded.pixels.tobytes()

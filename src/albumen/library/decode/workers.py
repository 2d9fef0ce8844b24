"""Processes that decode what should not be decoded in ours: rarer formats, larger pictures.

A thread that needs one borrows it, writes a file or its path into it and reads pixels from it. A
worker that crashes, hangs or asks for too much memory costs that one file: it is ended, and the
next request starts another. They are plain subprocesses, not multiprocessing's, which would run the
main script of a program that uses Albumen a second time.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Self

from albumen.library.decode import answer
from albumen.library.decode.answer import Answer, Pixels
from albumen.library.decode.formats import Format
from albumen.library.decode.outcome import DecodedPixels, DecodeError
from albumen.library.records import Decoded, Failure, Seen
from albumen.packs import heap
from albumen.packs.runtime import cores

TIMEOUT = 60.0
"""Seconds for one picture: the slowest honest one, 200 megapixels on a busy machine, takes ten."""

MEMORY = 3 << 30
"""Bytes of address space: 200 megapixels in RGB, the decoder's own copy and the libraries."""

_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **heap.KEPT_BY_A_WORKER}

_START = (
    "import sys; sys.path[:] = {path!r}\n"
    "from albumen.library.decode.worker import main; main({memory})"
)


class DecodeWorkers:
    """At most `count` worker processes (default: one for each core), started when first needed.

    Threads may share it. Close it, or use it as a context manager; a worker also ends by itself
    when its parent is gone.
    """

    def __init__(
        self, count: int | None = None, *, timeout: float = TIMEOUT, memory: int = MEMORY
    ) -> None:
        count = count or cores()
        self._timeout, self._memory = timeout, memory
        self._free = threading.BoundedSemaphore(count)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._closed = False

    def decode(self, data: bytes, format: Format, short_side: int) -> DecodedPixels:
        """Decode in a worker; waits for a free one. Raises DecodeError."""
        request = {"size": len(data), "format": format, "short_side": short_side}
        said, pixels = self._ask(request, data)
        return DecodedPixels(said.format, said.width, said.height, pixels, said.orientation)

    def develop(
        self, seen: Seen, content_hash: bytes, short_side: int
    ) -> tuple[Decoded | None, tuple[Failure, ...]]:
        """Read a file in a worker, and all that it tells, as `develop` does. Raises DecodeError."""
        path = os.path.join(os.fsencode(seen.root.path), seen.relative)  # noqa: PTH118 (bytes)
        request = {
            "path": path.hex(),
            "size": seen.size,
            "mtime_ns": seen.mtime_ns,
            "hash": content_hash.hex(),
            "short_side": short_side,
        }
        said, pixels = self._ask(request, b"")
        decoded = Decoded(
            content_hash=content_hash,
            image_hash=bytes.fromhex(said.image_hash) if said.image_hash else None,
            format=said.format,
            width=said.width,
            height=said.height,
            metadata=said.metadata,
            pixels=pixels,
            told=said.told,
        )
        return decoded, said.failures

    def _ask(self, request: dict[str, Any], data: bytes) -> tuple[Answer, Pixels]:
        with self._free:
            worker = self._borrow()
            try:
                return worker.ask(request, data)
            finally:
                self._give_back(worker)

    def _borrow(self) -> "_Worker":
        with self._lock:
            if self._closed:
                reason = "decoding was stopped before this file"
                raise DecodeError("failed", reason, lasting=False)
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
                self._all.discard(worker)
            worker = _Worker(self._timeout, self._memory)
            self._all.add(worker)
            return worker

    def _give_back(self, worker: "_Worker") -> None:
        with self._lock:
            if worker.alive and not worker.busy and not self._closed:
                self._idle.append(worker)
                return
            self._all.discard(worker)
        worker.end()

    def close(self) -> None:
        """End all workers, also those at work: their files fail."""
        with self._lock:
            self._closed = True
            workers, self._all, self._idle = self._all, set(), []
        for worker in workers:
            worker.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Worker:
    """One process, used by one thread at a time. `busy` stays true if a request did not end."""

    def __init__(self, timeout: float, memory: int) -> None:
        self._timeout = timeout
        self.busy = False
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START.format(path=sys.path, memory=memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
            process_group=0,  # Ctrl-C is for the parent, which lets the file in hand end
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, request: dict[str, Any], data: bytes) -> tuple[Answer, Pixels]:
        """The answer to a request that `data` follow, and its pixels. Raises DecodeError."""
        self.busy = True
        late = threading.Event()
        alarm = threading.Timer(self._timeout, self._too_late, [late])
        alarm.daemon = True
        alarm.start()
        try:
            answered = self._ask({**request, "seconds": self._timeout + 5}, data)
        except DecodeError:
            self.busy = False
            raise
        except (OSError, ValueError, EOFError):
            raise self._error(late.is_set()) from None
        finally:
            alarm.cancel()
        self.busy = False
        return answered

    def _ask(self, request: dict[str, Any], data: bytes) -> tuple[Answer, Pixels]:
        into, out = self._process.stdin, self._process.stdout
        assert into is not None
        assert out is not None
        into.write(json.dumps(request).encode() + b"\n")
        into.write(data)
        into.flush()
        return answer.read(out)

    def _too_late(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()

    def _error(self, late: bool) -> DecodeError:
        if late:
            reason = f"decoding it took longer than {self._timeout:g} seconds and was given up"
            return DecodeError("failed", reason)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.returncode
        if code is None or code >= 0:
            return DecodeError(
                "failed", f"its decoder stopped without an answer (exit code {code})"
            )
        name = signal.Signals(-code).name
        # Only somebody else sends these: closing, an administrator, the kernel out of memory.
        lasting = name not in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
        return DecodeError("failed", f"its decoder crashed ({name})", lasting=lasting)

    def end(self) -> None:
        """End the process now, whatever it does, and wait for it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()
        self._process.wait()

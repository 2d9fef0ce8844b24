"""Ctrl-C, or a request to end, ends a run between two steps, when its state is whole."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

import torch

from albumen.training import processes
from albumen.training.errors import TrainingError

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Within it the first signal is remembered; a second one has its ordinary effect."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._asked: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Stopping":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._remember) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._restore()

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._asked = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def asked_of_any(self) -> bool:
        """Whether this process, or any other of the run, was asked to end."""
        asked = self._asked is not None
        if processes.world() == 1:
            return asked
        return bool(processes.summed(torch.tensor(float(asked), device=self._device)) > 0)

    def end(self, step: int) -> None:
        """End, after the checkpoint at this step was written."""
        if self._asked == signal.SIGINT:
            raise KeyboardInterrupt
        raise TrainingError(f"asked to end; the same command goes on from step {step}")

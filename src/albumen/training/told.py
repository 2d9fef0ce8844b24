"""How a training speaks to whoever started it."""

from collections.abc import Callable
from dataclasses import dataclass

from albumen.training.loop import Progress


@dataclass(frozen=True)
class Told:
    """Each is called with what its name says; `reading` also where pictures are looked at again."""

    reading: Callable[[int, int], None] = lambda done, total: None
    stage: Callable[[str], None] = lambda name: None
    training: Callable[[Progress], None] = lambda progress: None
    note: Callable[[str], None] = lambda text: None

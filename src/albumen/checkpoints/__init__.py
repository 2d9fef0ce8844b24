"""Published weights in our models: read safely, renamed strictly, described by a card.

`load` needs PyTorch and imports it when it is first asked for; card and catalogue need none.
"""

from typing import TYPE_CHECKING, Any

from albumen.checkpoints.card import Card, Preprocessing
from albumen.checkpoints.errors import CheckpointError

if TYPE_CHECKING:
    from albumen.checkpoints.loading import load

__all__ = ["Card", "CheckpointError", "Preprocessing", "load"]


def __getattr__(name: str) -> Any:
    if name != "load":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from albumen.checkpoints.loading import load

    return load

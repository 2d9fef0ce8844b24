"""Published weights in our models: read safely, renamed strictly, described by a card."""

from albumen.checkpoints.card import Card, Preprocessing
from albumen.checkpoints.errors import CheckpointError
from albumen.checkpoints.loading import load

__all__ = ["Card", "CheckpointError", "Preprocessing", "load"]

"""What can go wrong with training."""

from albumen.errors import AlbumenError


class TrainingError(AlbumenError):
    """A run cannot go on, for the reason in the message; what it has saved stays as it is."""

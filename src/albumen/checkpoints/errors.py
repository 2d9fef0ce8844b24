"""What can go wrong with published weights."""

from albumen.errors import AlbumenError


class CheckpointError(AlbumenError):
    """A checkpoint is missing, unsafe to read, or not one of those that our models fit exactly."""

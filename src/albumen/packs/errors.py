"""The one error of this room."""

from albumen.errors import AlbumenError


class PackError(AlbumenError):
    """A pack cannot be found, trusted or run, for the reason in the message."""

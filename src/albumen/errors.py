"""What can go wrong, as a tree. Every error raised on purpose derives from `AlbumenError`.

A message is one line for a person: what happened, to which file, and what to do next. Only the
edges (command line, web) print it; `exit_code` is what the command line then ends with.
"""


class AlbumenError(Exception):
    """Albumen cannot go on, for the reason in the message."""

    exit_code = 3


class UsageError(AlbumenError):
    """The request itself is wrong: an unknown option value, an empty query, a path that is none."""

    exit_code = 2

"""Include and exclude patterns: which paths under a root a person wants.

A pattern without a slash is held against each name on the way: `*.png` means every such file,
`raw` every file or folder of that name with all that lies in it. A pattern with a slash is held
against the path below the root: `2024/*.jpg`, `trips/**/raw`. `*` and `?` stay within one name,
`**` crosses folders, `[a-z]` and `[!a-z]` are sets; upper and lower case (ASCII) are alike.
"""

import os
import re
from collections.abc import Sequence

from albumen.errors import UsageError

_FLAGS = re.IGNORECASE | re.DOTALL


class Patterns:
    """Compiled patterns; `matches` answers for a path relative to the root, as bytes.

    Raises UsageError for a pattern that is none, such as `[z-a]`.
    """

    def __init__(self, patterns: Sequence[str]):
        expressions = [_expression(p) for p in patterns if p.strip("/")]
        self._regex = re.compile(b"|".join(expressions), _FLAGS) if expressions else None

    def __bool__(self) -> bool:
        return self._regex is not None

    def matches(self, relative: bytes) -> bool:
        """Whether the path, or a folder on the way to it, matches one of the patterns."""
        return self._regex is not None and self._regex.match(relative) is not None


def _expression(pattern: str) -> bytes:
    """The regular expression of one glob pattern, anchored at the root."""
    anywhere = "/" not in pattern.rstrip("/")
    body = b"".join(_tokens(os.fsencode(pattern).strip(b"/").removeprefix(b"./")))
    expression = (rb"(?:.*/)?" if anywhere else b"") + body + rb"(?:/|\Z)"
    try:
        re.compile(expression, _FLAGS)
    except re.error:
        raise UsageError(f"the pattern {pattern!r} is no glob: mind its [brackets]") from None
    return expression


def _tokens(pattern: bytes) -> list[bytes]:
    rules = re.compile(rb"\*\*/|\*+|\?|\[!?\]?[^\]]*\]|[\s\S]")
    return [_token(match.group()) for match in rules.finditer(pattern)]


def _token(token: bytes) -> bytes:
    if token == b"**/":
        return rb"(?:.*/)?"
    if token == b"*":
        return rb"[^/]*"
    if token.startswith(b"**"):
        return rb".*"
    if token == b"?":
        return rb"[^/]"
    if len(token) > 2 and token.startswith(b"["):
        inside = token[1:-1].replace(b"\\", b"\\\\").replace(b"[", b"\\[")
        return b"[" + (b"^" + inside[1:] if inside.startswith(b"!") else inside) + b"]"
    return re.escape(token)

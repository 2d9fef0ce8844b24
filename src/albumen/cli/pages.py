"""Pages that commands write: where they are put, and how they are shown."""

import os
import sys
import tempfile
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from albumen.api import Library


def place(library: "Library", file: Path | None, name: str) -> Path:
    """The file asked for, else one in the cache, else, where that is read-only, a temporary one."""
    cache = library.home.cache
    if file is None:
        with suppress(OSError):
            cache.mkdir(parents=True, exist_ok=True)
        if not os.access(cache, os.W_OK):
            cache = Path(tempfile.mkdtemp(prefix="albumen-"))
    target = (file or cache / name).expanduser().absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def opened(file: Path) -> bool:
    """Whether a browser with a window took the file; one inside the terminal is not started."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    return webbrowser.open(file.as_uri())

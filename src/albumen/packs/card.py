"""What a pack's card says that `packs list` repeats."""

import re
from pathlib import Path

from albumen.packs.errors import PackError
from albumen.packs.loading import read_file
from albumen.packs.manifest import Manifest

LIMITS = re.compile(r"^## What it cannot do\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
POINT = re.compile(r"^- (.+)$", re.MULTILINE)


def limits(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    """What the model cannot do, point by point; none where the card does not say or is damaged."""
    try:
        text = read_file(folder, manifest, manifest.licence.notice).decode("utf-8", "replace")
    except PackError:  # `packs verify` says so
        return ()
    section = LIMITS.search(text.replace("\r\n", "\n"))
    return tuple(POINT.findall(section[1])) if section else ()

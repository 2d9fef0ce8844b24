"""Where measurements keep what takes long to make: photos, packs, the peer."""

import os
from pathlib import Path

FOLDER = Path(os.environ.get("BENCH_FOLDER", Path(__file__).parents[1] / ".bench"))


def made() -> Path:
    """The folder, made when first needed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    return FOLDER

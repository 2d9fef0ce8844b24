"""rclip 3.3.0, the closest peer, in a virtual environment of its own, and libraries made for it.

It is taken from the package index when a measurement first needs it (120 MB) and is no dependency
of Albumen. It runs as its users run it; only its models are given to it (bench/_clip256.py), since
speed does not depend on what a network has learned.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import _work

VERSION = "3.3.0"
INDEX_ONLY = (
    "import sys; from pathlib import Path; from rclip.main import init_rclip; "
    "rclip, model, db = init_rclip(sys.argv[1], 8); rclip.close(); model.close(); db.close()"
)
"""What its command does before it searches, with its default batch of 8."""


def python() -> Path:
    """The interpreter of the environment that holds rclip; made when first needed."""
    folder = _work.FOLDER / f"rclip-{VERSION}"
    interpreter = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"installing rclip {VERSION} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"rclip=={VERSION}"], check=True)
        (folder / "ready").touch()
    return interpreter


def index_command(photos: Path) -> list[str | Path]:
    """Index the folder, and end."""
    return [python(), "-c", INDEX_ONLY, photos]


def search_command(query: str) -> list[str | Path]:
    """Search below the current folder, as its users do when nothing was added."""
    return [python(), "-m", "rclip", "--no-indexing", "--top", "20", query]


def environment(data: Path) -> dict[str, str]:
    """Its models and its database lie in `data`. It looks nothing up: it is given all it needs."""
    return {"RCLIP_DATADIR": str(data), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""}


def fill(data: Path, folder: Path, vectors: np.ndarray, names: Iterator[str]) -> None:
    """Its database as if it had indexed photos with these vectors (N, 512) below `folder`."""
    file = data / "db.sqlite3"
    file.unlink(missing_ok=True)
    made = "import sys; from rclip.db import DB; DB(sys.argv[1]).close()"
    subprocess.run([python(), "-c", made, file], check=True, env=environment(data))
    rows = (
        (str(folder / name), 1.0, 3_000_000, vector.astype(np.float32).tobytes(), f"{number:064x}")
        for number, (name, vector) in enumerate(zip(names, vectors, strict=True))
    )
    with sqlite3.connect(file) as db:
        db.executemany(
            "INSERT INTO images (filepath, modified_at, size, vector, hash) VALUES (?, ?, ?, ?, ?)",
            rows,
        )
    db.close()

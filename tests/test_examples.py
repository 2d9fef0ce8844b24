"""The example programs run as they are printed."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_search_album_copies_the_best_photos(sample_photos: Path, tmp_path: Path) -> None:
    program = EXAMPLES / "search_album.py"
    words = "a cat"
    done = subprocess.run(
        [sys.executable, program, sample_photos, words, tmp_path / "best"],
        capture_output=True,
        text=True,
        env={**os.environ, "ALBUMEN_HOME": str(tmp_path / "home")},
    )
    assert done.returncode == 0, done.stderr
    copies = sorted(path.name for path in (tmp_path / "best").iterdir())
    assert len(copies) == 5
    assert any("chelsea" in name for name in copies)

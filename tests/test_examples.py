"""The example programs run as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from tests.packs.tiny_pack import COLOURS

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(program: str, *arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLES / program, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "ALBUMEN_HOME": str(home)},
    )


def test_search_album_copies_the_best_photos(sample_photos: Path, tmp_path: Path) -> None:
    done = run("search_album.py", sample_photos, "a cat", tmp_path / "best", home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    copies = sorted(path.name for path in (tmp_path / "best").iterdir())
    assert len(copies) == 5
    assert any("chelsea" in name for name in copies)


def colour_album(folder: Path) -> Path:
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (48, 40), colour).save(folder / f"{name}.png")
    return folder


def test_search_album_uses_the_pack_it_is_given(tiny_pack: Path, tmp_path: Path) -> None:
    album, best = colour_album(tmp_path / "album"), tmp_path / "best"
    options = ("--pack", tiny_pack)
    done = run("search_album.py", album, "yellow", best, *options, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert "1-yellow.png" in {path.name for path in best.iterdir()}


def test_zero_shot_shares_out_among_the_labels_given(tiny_pack: Path, tmp_path: Path) -> None:
    album = colour_album(tmp_path / "album")
    photos = (album / "red.png", album / "blue.png")
    options = ("--labels", "red, green,blue", "--pack", tiny_pack)
    done = run("zero_shot.py", *photos, *options, home=tmp_path)
    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ") for line in done.stdout.splitlines())
    for name in ("red", "blue"):
        shares = re.findall(r"(\w+) (\d+)%", said[f"{name}.png"])
        assert shares[0][0] == name
        assert {label for label, _ in shares} == {"red", "green", "blue"}
        assert sum(int(share) for _, share in shares) == pytest.approx(100, abs=2)


def test_zero_shot_with_the_starter_knows_a_coffee(sample_photos: Path, tmp_path: Path) -> None:
    labels = ("--labels", "a cat, a dog, a coffee latte")
    done = run("zero_shot.py", sample_photos / "coffee.png", *labels, home=tmp_path)
    assert done.stdout.startswith("coffee.png: a coffee latte"), done.stderr


def test_classify_photo_says_that_weights_are_not_there(
    sample_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    photo = sample_photos / "chelsea.png"
    done = run("classify_photo.py", "google/vit-base-patch16-224", photo, home=tmp_path)
    assert done.returncode == 1
    assert "is not in the hub's cache on this machine" in done.stderr
    assert "Traceback" not in done.stderr

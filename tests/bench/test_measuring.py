"""The measurements measure what they say: a small sample of each, without judging a time."""

import io
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from bench import _chart, _entropy, _page, _photos, _process, aims
from PIL import Image


@pytest.fixture(scope="module")
def photo() -> bytes:
    return _photos.generated(3)


def test_a_generated_photo_is_one_of_a_camera_and_the_same_each_time(photo: bytes) -> None:
    assert _photos.SMALLEST <= len(photo) <= _photos.LARGEST
    with Image.open(io.BytesIO(photo)) as opened:
        assert opened.size == (4000, 3000)
        pixels = np.asarray(opened.convert("L"), np.float32)
    fine = pixels - np.asarray(
        Image.fromarray(pixels).resize((1000, 750)).resize((4000, 3000)), np.float32
    )
    assert 1 < fine.std() < 30, "it has detail, and is no noise"
    assert _photos.generated(3) == photo


def test_huffman_codes_are_undone_without_touching_the_data(photo: bytes) -> None:
    before = bytes(bytearray(photo))
    for _ in range(2):
        _entropy.decode(photo)
    assert photo == before


def test_photos_of_ones_own_take_the_place_of_generated_ones(
    tmp_path: Path, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine" / "2024").mkdir(parents=True)
    (tmp_path / "mine" / "2024" / "a.JPG").write_bytes(photo)
    (tmp_path / "mine" / "notes.txt").write_text("no photo")
    monkeypatch.setenv("PHOTOS", str(tmp_path / "mine"))
    (taken,) = _photos.photos(tmp_path / "copies", 5)
    assert taken.read_bytes() == photo
    assert (tmp_path / "mine" / "2024" / "a.JPG").read_bytes() == photo


def test_memory_is_that_of_the_whole_process_tree() -> None:
    child = "import time; held = bytearray(b'x') * (60 << 20); time.sleep(0.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    alone = _process.run([sys.executable, "-c", "import time; time.sleep(0.3)"])
    together = _process.run([sys.executable, "-c", parent])
    assert 55 < together.peak - alone.peak < 120
    assert alone.processor >= 0


def test_a_command_that_fails_ends_the_measurement() -> None:
    with pytest.raises(SystemExit, match="no such thing"):
        _process.run([sys.executable, "-c", "import sys; sys.exit('no such thing')"])


@pytest.mark.parametrize("kind", ["bars", "lines"])
def test_a_chart_shows_every_name_and_figure(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "chart.svg"
    if kind == "bars":
        _chart.bars(file, "Speed", {"rclip": 6.5, "Albumen <int8>": 21.25}, "a second")
        wanted = ["Speed", "rclip", "Albumen <int8>", "6.5 a second", "21.2 a second"]
    else:
        series = {"cold": [0.5, 0.6, 1.25], "flat": [2.0, 2.0, 2.0]}
        _chart.lines(file, "Growth", [10, 1000, 100_000], series, "seconds")
        wanted = ["10", "1,000", "100,000", "cold", "flat", "1.25"]
    texts = [each.text for each in ElementTree.parse(file).iter() if each.tag.endswith("text")]
    assert [text for text in wanted if text not in texts] == []


def test_a_table_is_put_at_its_mark_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x -->\nold\n<!-- end -->\nb\n<!-- y -->\nkept\n<!-- end -->\n")
    _page.put(page, "x", "new")
    assert page.read_text() == (
        "a\n<!-- x -->\nnew\n<!-- end -->\nb\n<!-- y -->\nkept\n<!-- end -->\n"
    )


def test_the_summary_of_aims_is_what_the_tables_say() -> None:
    assert aims.main(["--check"]) == 0


def test_an_aim_takes_the_worst_of_its_rows_and_says_what_was_missed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- x -->\n\n| kind | | times | times |\n|---|---|---|---|\n"
        "| a | one | 1.5 | 1 |\n| a | two | 1,100 us | 2 |\n\n| other |\n|---|\n| 3 |\n<!-- end -->"
    )
    first = aims.Cell("x", ("a", "two"), "times", 1, page)
    every = aims.Cell("x", ("",), "times", 0, page)
    assert aims.line(aims.Aim("w", "2", first, "at least", 2)) == "| w | 2 | 2 |"
    assert aims.line(aims.Aim("w", "2", every, "at most", 2)) == "| w | 2 | **missed**: 1,100 |"
    with pytest.raises(SystemExit, match="has no speed"):
        aims.line(aims.Aim("w", "2", aims.Cell("x", ("a",), "speed", 0, page), "at most", 2))

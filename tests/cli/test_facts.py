"""`show`, `stats` and `doctor`: what is known, in words and in JSON."""

import json
import os
import re
from pathlib import Path

import pytest

SHOWN = [
    "path", "paths", "content_hash", "image_hash", "bytes", "format", "width", "height",
    "orientation", "taken", "taken_source", "offset", "latitude", "longitude", "camera", "pack",
    "encoded", "tags", "told", "failures",
]  # fmt: skip


def test_show_says_everything_in_json(albumen, album: Path) -> None:
    facts = albumen("show", album / "cat.png", "--json").json
    assert list(facts) == SHOWN
    assert (facts["format"], facts["width"], facts["height"]) == ("PNG", 451, 300)
    assert facts["bytes"] == (album / "cat.png").stat().st_size
    assert str(album / "2024/copy of cat.png") in facts["paths"]
    assert (facts["pack"], facts["encoded"], facts["failures"]) == ("tiny", True, [])


def test_show_in_words_leaves_out_what_is_not_known(albumen, album: Path) -> None:
    done = albumen("show", album / "cat.png")
    assert done.code == 0
    assert "PNG, 451 × 300" in done.out
    assert "copy of cat.png" in done.out
    assert "camera" not in done.out
    assert "None" not in done.out


def test_show_takes_any_name(albumen, album: Path, odd_name: str) -> None:
    done = albumen("show", album / odd_name)
    assert done.code == 0
    assert "new\\nline" in done.out


def test_show_of_a_photo_that_failed_says_why(albumen, album: Path) -> None:
    done = albumen("show", album / "broken.jpg")
    assert done.code == 0
    assert "failed" in done.out
    assert "decode" in done.out


def test_show_of_something_unknown_is_exit_code_1(albumen, album: Path) -> None:
    done = albumen("show", album / "notes.txt")
    assert (done.code, done.out) == (1, "")
    assert "is not in the library" in done.err


def test_stats_count_photos_and_copies(albumen, album: Path) -> None:
    counts = albumen("stats", "--json").json
    assert (counts["photos"], counts["roots"]) == (6, 1)
    assert counts["embeddings"] == {"tiny": 5, "fingerprint": 5}
    words = albumen("stats").out
    assert re.search(
        r"searchable +5 with the pack tiny\ncomparable +5 with the pack fingerp", words
    )
    assert "1 folder" in words


def finding(done, name: str) -> dict:
    return next(found for found in done.json["findings"] if found["name"] == name)


def test_doctor_finds_a_well_library_well(albumen, album: Path) -> None:
    done = albumen("doctor", "--json")
    assert list(done.json) == ["ok", "findings"]
    assert (done.code, done.json["ok"]) == (0, True)
    assert all(list(f) == ["name", "state", "found", "advice"] for f in done.json["findings"])
    assert "ORT_DISABLE_TELEMETRY=1" in finding(done, "telemetry")["found"]
    assert "cpu" in finding(done, "devices")["found"]
    assert "packs pull" in finding(done, "network")["found"]
    assert finding(done, "library")["state"] == "ok"


def test_doctor_names_every_dependency_with_its_version(albumen, album: Path) -> None:
    from importlib.metadata import version

    done = albumen("doctor", "--json")
    for name in ("numpy", "onnxruntime", "pillow", "click"):
        assert finding(done, name)["found"] == version(name)


def test_doctor_in_words_is_a_line_a_finding(albumen, album: Path) -> None:
    done = albumen("doctor")
    assert done.code == 0
    assert not any(line.startswith("problem") for line in done.out.splitlines())
    assert "switched off" in done.out


def test_doctor_before_anything_was_indexed_says_what_to_do(albumen, tmp_path: Path) -> None:
    done = albumen("doctor", "--json", "--library", tmp_path / "none")
    library = finding(done, "library")
    assert (library["state"], library["advice"]) == ("note", "run: albumen index FOLDER")
    assert not (tmp_path / "none").exists()


def test_doctor_finds_a_damaged_pack(albumen, album: Path) -> None:
    model = Path(os.environ["ALBUMEN_HOME"]) / "packs/tiny/text.onnx"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    done = albumen("doctor", "--json")
    assert (done.code, done.json["ok"]) == (3, False)
    assert finding(done, "pack")["state"] == "problem"
    assert "text.onnx" in finding(done, "pack")["found"]


def test_doctor_finds_a_damaged_library(albumen, album: Path) -> None:
    db = Path(os.environ["ALBUMEN_HOME"]) / "library.db"
    content = bytearray(db.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    db.write_bytes(content)
    done = albumen("doctor", "--json")
    assert (done.code, done.json["ok"]) == (3, False)


def test_doctor_notes_a_folder_that_is_not_there(albumen, album: Path, tmp_path: Path) -> None:
    import shutil

    stick = tmp_path / "stick"
    stick.mkdir()
    shutil.copy(album / "cat.png", stick)
    albumen("index", stick, "--quiet")
    stick.rename(tmp_path / "elsewhere")
    note = finding(albumen("doctor", "--json"), "folder")
    assert str(stick) in note["found"]


@pytest.mark.parametrize("command", ["stats", "problems"])
def test_json_on_stdout_and_nothing_else(albumen, album: Path, command: str) -> None:
    done = albumen(command, "--json")
    json.loads(done.out)
    assert done.err == ""

"""`albumen search`: the JSON that scripts rely on, and the words for people."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest


def names(done) -> list[str]:
    return [Path(result["path"]).name for result in done.json["results"]]


def test_the_json_has_exactly_the_keys_that_scripts_rely_on(albumen, album: Path) -> None:
    done = albumen("search", "a", "cat", "--json", "-n", "2")
    assert done.code == 0
    assert list(done.json) == ["query", "pack", "cutoff", "results"]
    assert (done.json["query"], done.json["pack"], done.json["cutoff"]) == ("a cat", "tiny", None)
    first, second = done.json["results"]
    assert list(first) == ["rank", "path", "paths", "score", "match"]
    assert (first["rank"], second["rank"]) == (1, 2)
    assert first["score"] >= second["score"]
    assert first["match"] is True


def test_an_example_in_the_library_comes_first_once_with_its_copies(albumen, album: Path) -> None:
    done = albumen("search", "--like", album / "cat.png", "--json")
    first = done.json["results"][0]
    assert first["score"] == pytest.approx(1, abs=1e-3)
    assert sorted(first["paths"]) == [str(album / "2024/copy of cat.png"), str(album / "cat.png")]
    assert first["path"] == first["paths"][0]
    every = [path for result in done.json["results"] for path in result["paths"]]
    assert len(every) == len(set(every)) == 6
    assert done.json["query"] == ""


def test_a_copy_with_other_metadata_is_folded_under_its_photo_too(
    albumen, album: Path, tmp_path: Path
) -> None:
    from PIL import Image

    exif = Image.Exif()
    for name in ("plain.jpg", "rated.jpg"):
        with Image.open(album / "2024/rocket.jpg") as rocket:
            rocket.save(tmp_path / name, exif=exif, quality=90)
        exif[0x4746] = 5  # Rating, as photo managers write it
    albumen("index", tmp_path / "plain.jpg", tmp_path / "rated.jpg", "--quiet")
    done = albumen("search", "--like", tmp_path / "plain.jpg", "--json")
    groups = [sorted(Path(path).name for path in r["paths"]) for r in done.json["results"]]
    assert ["plain.jpg", "rated.jpg", "rocket.jpg"] in groups  # and what they were saved from


def test_an_example_may_lie_outside_the_library(albumen, album: Path, tmp_path: Path) -> None:
    from PIL import Image

    with Image.open(album / "coffee.png") as coffee:
        coffee.convert("RGB").save(tmp_path / "elsewhere.jpg", quality=80)
    done = albumen("search", "--like", tmp_path / "elsewhere.jpg", "--json", "-n", "1")
    assert names(done) == ["coffee.png"]


def test_words_examples_and_negatives_go_together(albumen, album: Path) -> None:
    plain = albumen("search", "--like", "photos/cat.png", "--json")
    mixed = albumen(
        "search", "red", "--like", "photos/cat.png", "--not", "blue", "--not", "grey", "--json"
    )
    assert mixed.code == 0
    assert len(mixed.json["results"]) == len(plain.json["results"])
    scores = [r["score"] for r in mixed.json["results"]]
    assert scores != [r["score"] for r in plain.json["results"]]


def test_under_leaves_only_what_lies_there(albumen, album: Path) -> None:
    done = albumen("search", "a cat", "--under", "photos/2024", "--json")
    assert sorted(names(done)) == ["astronaut.png", "cat.png", "rocket.jpg"]


def test_days_leave_only_what_was_taken_then(albumen, album: Path) -> None:
    assert len(names(albumen("search", "a cat", "--after", "1990", "--json"))) == 5
    nothing = albumen("search", "a cat", "--before", "1900", "--json")
    assert (nothing.code, nothing.json["results"]) == (1, [])


def test_nothing_found_is_exit_code_1_and_said_on_stderr(albumen, album: Path) -> None:
    done = albumen("search", "a cat", "--before", "1900")
    assert (done.code, done.out) == (1, "")
    assert "Nothing found" in done.err


def test_all_with_n_gives_the_first_n(albumen, album: Path) -> None:
    assert len(albumen("search", "a cat", "--all", "-n", "3", "--json").json["results"]) == 3


def test_words_are_one_line_a_photo_with_odd_names_escaped(albumen, album: Path) -> None:
    lines = albumen("search", "a cat").out.splitlines()
    assert len(lines) == 5
    assert sum("(+1 copy)" in line for line in lines) == 1
    (odd,) = [line for line in lines if "new" in line]
    assert odd.endswith("quote\" 'new\\nline' 🐈 \\xff.png")


def test_a_program_gets_an_undecodable_name_back(albumen, album: Path, odd_name: str) -> None:
    done = albumen("search", "--like", album / odd_name, "--json", "-n", "1")
    path = done.json["results"][0]["path"]
    assert os.fsencode(path) == os.fsencode(album / odd_name)
    assert Path(path).exists()


@pytest.fixture
def knowing(album: Path, tmp_path: Path) -> Path:
    """The pack that knows colours, with statistics and a list of the words it knows."""
    from albumen.packs import background, manifest, open_pack

    folder = tmp_path / "knowing"
    shutil.copytree(Path(os.environ["ALBUMEN_HOME"]) / "packs" / "tiny", folder)
    known = open_pack(folder).encode_texts(["red", "green", "blue", "yellow", "black", "white"])
    data = background.dump(np.repeat(known, 9, axis=0), known, known, photos=54)
    (folder / "background.safetensors").write_bytes(data)
    (folder / "words.txt").write_text("red\ngreen\nblue\nyellow\nblack\nwhite\n")
    manifest.write(folder, replace(manifest.read(folder), words="words.txt"))
    return folder


def test_nothing_matches_what_no_photo_shows_but_all_shows_the_most_alike(
    albumen, album: Path, knowing: Path
) -> None:
    done = albumen("search", "magenta", "--pack", knowing, "--json")
    assert (done.code, done.json["results"]) == (1, [])
    assert 'Note: the pack does not know "magenta"; it was left out.' in done.err
    every = albumen("search", "magenta", "--pack", knowing, "--json", "--all", "-n", "2")
    assert (every.code, [r["match"] for r in every.json["results"]]) == (0, [False, False])
    assert done.json["cutoff"] == every.json["cutoff"] > 1
    assert "knows none of these words" in albumen("search", "magenta", "--pack", knowing).err


def test_a_match_has_a_score_of_the_cutoff_at_least(albumen, album: Path, knowing: Path) -> None:
    found = albumen("search", "yelow", "--pack", knowing, "--json", "--all")
    assert 'Note: "yelow" was read as "yellow".' in found.err
    assert isinstance(found.json["cutoff"], float)
    for result in found.json["results"]:
        assert result["match"] == (result["score"] >= found.json["cutoff"])


def test_which_pack_is_in_use_is_said_once_a_library_on_stderr(albumen, album: Path) -> None:
    first, second = albumen("search", "a cat", "--json"), albumen("search", "a cat", "--json")
    assert "'tiny'" in first.err
    assert "albumen packs pull openai/clip-vit-base-patch32 (63% ImageNet-1k zero-shot" in first.err
    assert "albumen packs list --available" in first.err
    assert second.err == ""
    assert second.json == first.json


def test_a_query_of_ten_thousand_words_is_cut_with_a_notice(albumen, album: Path) -> None:
    done = albumen("search", *["word"] * 10_000, "--json")
    assert done.code == 0
    assert 'only the beginning of "word word word word word …" was used' in done.err


@pytest.mark.parametrize("query", [[], [""], ["  "], ["--not", "people"]])
def test_an_empty_query_is_wrong_usage(albumen, album: Path, query: list[str]) -> None:
    done = albumen("search", *query)
    assert (done.code, done.out) == (2, "")
    assert "a dog on a beach" in done.err


@pytest.mark.parametrize(
    ("example", "reason"),
    [
        ("photos/notes.txt", ""),
        ("photos", "it is a folder"),
        ("/dev/zero", "it is no ordinary file"),
        ("gone.jpg", "no such file"),
    ],
)
def test_an_example_that_is_no_picture_is_named(albumen, album, example: str, reason: str) -> None:
    done = albumen("search", "--like", example)
    assert (done.code, done.out) == (2, "")
    assert f"cannot use the example {example}: {reason}" in done.err


def test_without_a_library_it_says_how_to_make_one(albumen, tmp_path: Path) -> None:
    done = albumen("search", "a cat", "--library", tmp_path / "none")
    assert (done.code, done.out) == (3, "")
    assert "albumen index" in done.err
    assert not (tmp_path / "none").exists()


def test_a_library_without_photos_says_so_and_how_to_get_some(albumen, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    albumen("index", tmp_path / "empty", "--quiet")
    done = albumen("search", "a cat")
    assert (done.code, done.out) == (1, "")
    assert "holds no photo; take some in with: albumen index FOLDER" in done.err


def test_photos_of_another_pack_are_not_compared(albumen, album: Path, tmp_path: Path) -> None:
    home = Path(os.environ["ALBUMEN_HOME"])
    other = home / "packs" / "other"
    shutil.copytree(home / "packs" / "tiny", other)
    manifest = json.loads((other / "pack.json").read_text())
    manifest["name"] = "other"
    manifest["preprocessing"]["mean"][0] += 0.01
    (other / "pack.json").write_text(json.dumps(manifest))
    done = albumen("search", "a cat", "--pack", "other")
    assert done.code == 3
    assert "run: albumen index FOLDER --pack other" in done.err


def test_a_sheet_holds_the_photos(albumen, album: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.html"
    done = albumen("search", "a cat", "--sheet", sheet, "--after", "1990")
    assert f"Contact sheet: {sheet}" in done.err
    page = sheet.read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") == 5
    assert "<h1>a cat</h1>" in page
    assert "5 photos, most alike first · from 1990-01-01 · pack tiny" in page


def test_open_without_a_display_says_where_the_sheet_is(albumen, album, monkeypatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    done = albumen("search", "a cat", "--open")
    assert (Path(os.environ["ALBUMEN_HOME"]) / "cache/contact-sheet.html").exists()
    assert "contact-sheet.html" in done.err


def test_a_photo_deleted_since_is_named_as_unreadable_and_forgotten_by_the_next_index(
    albumen, album: Path, tmp_path: Path, sample_photos: Path
) -> None:
    photos = tmp_path / "few"
    photos.mkdir()
    for name in ("moon.png", "grass.png"):
        shutil.copy(sample_photos / name, photos)
    albumen("index", photos, "--quiet")
    (photos / "moon.png").unlink()
    albumen("search", "moon", "--under", photos, "--sheet", tmp_path / "sheet.html")
    assert (tmp_path / "sheet.html").read_text().count("this photo cannot be read") == 1
    albumen("index", photos, "--quiet")
    assert "moon.png" not in albumen("search", "moon", "-n", "99").out


@pytest.fixture
def sealed(album: Path):
    """Runs `albumen search` on the library while nobody may write to it."""
    home = Path(os.environ["ALBUMEN_HOME"])

    def search(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "albumen.cli.main", "search", *args]
        if os.getuid() == 0:  # who may write anywhere, unless told not to
            command = ["setpriv", "--bounding-set=-dac_override", *command]
        return subprocess.run(command, capture_output=True, text=True)

    for path in (*home.rglob("*"), home):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield search
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_library_that_cannot_be_written_to_can_be_searched(sealed) -> None:
    home = Path(os.environ["ALBUMEN_HOME"])
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    done = sealed("a cat", "--json", "-n", "1")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["results"]) == 1
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


def test_the_contact_sheet_of_a_library_that_cannot_be_written_to_lies_elsewhere(
    sealed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done = sealed("a cat", "--open")
    assert done.returncode == 0, done.stderr
    (sheet,) = tmp_path.glob("albumen-*/contact-sheet.html")
    assert f"Contact sheet: {sheet}" in done.stderr


def test_a_search_in_words_opens_the_text_tower_alone(albumen, album: Path) -> None:
    (Path(os.environ["ALBUMEN_HOME"]) / "packs/tiny/image.onnx").unlink()
    assert albumen("search", "red").code == 0


def test_a_search_in_words_imports_no_decoder(album: Path) -> None:
    code = (
        "import sys; from albumen.cli.main import run; run(['search', 'red', '--json']);"
        "print(sorted({'PIL', 'rich', 'simplejpeg', 'exifread', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"

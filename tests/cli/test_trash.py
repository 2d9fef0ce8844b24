"""`albumen trash`, `trash list` and `trash restore`: what scripts rely on."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.library.albums import album as photos_in


@pytest.fixture
def photos(tmp_path: Path, albumen, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten photos of this test's own, in a library."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = photos_in(tmp_path / "photos", 10)
    assert albumen("index", folder, "--pack", tiny_pack, "--quiet").code == 0
    return folder


def test_json_names_what_was_trashed_and_what_was_refused(albumen, photos: Path) -> None:
    good, none = photos / "photo-00001.jpg", photos / "none.jpg"
    done = albumen("trash", good, none, "--json")
    assert done.code == 1
    assert done.json == {
        "trashed": [{"id": 1, "path": str(good)}],
        "refused": [{"path": str(none), "reason": "nothing lies there"}],
    }


def test_all_trashed_ends_with_0(albumen, photos: Path) -> None:
    done = albumen("trash", "--json", photos / "photo-00001.jpg")
    assert (done.code, done.json["refused"]) == (0, [])


def test_list_and_restore_as_json(albumen, photos: Path) -> None:
    photo = photos / "photo-00001.jpg"
    albumen("trash", photo)
    [entry] = albumen("trash", "list", "--json").json
    assert entry.keys() == {"id", "path", "trashed", "standing", "file", "bytes"}
    assert (entry["id"], entry["path"], entry["standing"]) == (1, str(photo), "in the trash")
    assert Path(entry["file"]).stat().st_size == entry["bytes"]
    done = albumen("trash", "restore", "1", "9", "--json")
    assert done.code == 1
    assert done.json == {
        "restored": [{"id": 1, "path": str(photo)}],
        "refused": [
            {"id": 9, "path": None, "reason": "the trash has no such entry: albumen trash list"}
        ],
    }
    assert albumen("trash", "list", "--json").json == []


def test_in_words_ids_are_told_and_how_to_undo(albumen, photos: Path) -> None:
    done = albumen("trash", photos / "photo-00001.jpg", photos / "none.jpg")
    assert done.out == f"     1  {photos / 'photo-00001.jpg'}\n"
    assert f"Refused: {photos / 'none.jpg'}: nothing lies there" in done.err
    assert "to put back: albumen trash restore 1" in done.err
    assert str(photos / "photo-00001.jpg") in albumen("trash", "list").out


def test_what_was_emptied_is_counted_and_shown_with_all(
    albumen, photos: Path, tmp_path: Path
) -> None:
    albumen("trash", photos / "photo-00001.jpg", photos / "photo-00002.jpg")
    shutil.rmtree(tmp_path / "data" / "Trash")
    done = albumen("trash", "list")
    assert done.out == ""
    assert "2 photos no longer in the trash" in done.err
    assert albumen("trash", "list", "--all").out.count(", missing") == 2
    assert [one["standing"] for one in albumen("trash", "list", "--json").json] == ["missing"] * 2


def test_a_file_called_as_a_command_is_named_by_its_folder(
    albumen, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos)
    Path("list").write_text("no photo")
    assert albumen("trash", "list").code == 0
    assert "in no library" in albumen("trash", "./list").err


@pytest.mark.parametrize(
    "arguments",
    [
        ("trash",),
        ("trash", "--json"),
        ("trash", "restore"),
        ("trash", "restore", "first"),
        ("trash", "restore", "0"),
        ("trash", "restore", "1", "--to", "nowhere"),
        ("trash", "list", "--to", "."),
        ("trash", "a.jpg", "--sideways"),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(albumen, photos: Path, arguments: tuple[str, ...]) -> None:
    assert albumen(*arguments).code == 2


def test_options_stand_before_and_behind(albumen, photos: Path, tmp_path: Path) -> None:
    photo = photos / "photo-00001.jpg"
    home = os.environ["ALBUMEN_HOME"]
    os.environ["ALBUMEN_HOME"] = str(tmp_path / "another")
    assert albumen("trash", photo, "--library", home, "--json").json["trashed"]
    assert albumen("trash", "--library", home, "list", "--json").json
    assert albumen("trash", "list", "--json", "--library", home).json
    assert albumen("--library", home, "trash", "restore", "1").code == 0


def test_without_a_library_the_reason_is_one_line(albumen, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    done = albumen("trash", tmp_path / "a.jpg")
    assert done.code == 3
    assert "there is no library" in done.err
    assert (tmp_path / "a.jpg").exists()


def test_a_trashed_photo_is_not_found_until_it_is_back(albumen, photos: Path) -> None:
    def found() -> int:
        return len(albumen("search", "red", "--all", "-n", "99", "--json").json["results"])

    assert found() == 10
    albumen("trash", photos / "photo-00001.jpg")
    assert found() == 9
    albumen("trash", "restore", "1")
    assert found() == 10


def test_a_library_that_cannot_be_written_loses_nothing(albumen, photos: Path) -> None:
    home = Path(os.environ["ALBUMEN_HOME"])
    locked = sqlite3.connect(home / "library.db", isolation_level=None)
    locked.execute("BEGIN IMMEDIATE")
    done = albumen("trash", photos / "photo-00001.jpg")
    assert done.code == 3
    assert "locked by another program" in done.err
    assert (photos / "photo-00001.jpg").exists()


def test_ctrl_c_tells_what_was_moved(photos: Path, tmp_path: Path) -> None:
    for n in range(300):
        shutil.copy(photos / f"photo-0000{n % 9}.jpg", photos / f"copy-{n}.jpg")
    program = [sys.executable, "-m", "albumen.cli.main"]
    subprocess.run([*program, "index", photos, "--quiet"], check=True)
    command = [*program, "trash", *photos.glob("copy-*.jpg"), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while not any((tmp_path / "data").rglob("*.jpg")) and time.monotonic() < until:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    listed = subprocess.run([*program, "trash", "list", "--json"], stdout=subprocess.PIPE)
    told = {entry["path"] for entry in json.loads(out)["trashed"]}
    assert told == {entry["path"] for entry in json.loads(listed.stdout)}
    assert 0 < len(told) < 300


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("albumen trash ", ["plain,list", "plain,restore", "file,"]),
        ("albumen trash re", ["plain,restore", "file,re"]),
        ("albumen trash restore ", ["plain,2", "plain,1"]),
    ],
)
def test_the_tab_key_completes_commands_files_and_ids(
    albumen, photos: Path, typed: str, completed: list[str]
) -> None:
    albumen("trash", photos / "photo-00001.jpg", photos / "photo-00002.jpg")
    words = {
        "COMP_WORDS": typed,
        "COMP_CWORD": str(typed.count(" ")),
        "_ALBUMEN_COMPLETE": "bash_complete",
    }
    program = Path(sys.executable).with_name("albumen")
    done = subprocess.run([program], env={**os.environ, **words}, stdout=subprocess.PIPE, text=True)
    assert done.stdout.splitlines() == completed

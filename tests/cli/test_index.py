"""`albumen index` and `albumen problems`: JSON, counts, exit codes and what is said."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.packs.tiny_pack import build

COUNTS = ["event", "indexed", "unchanged", "moved", "removed", "skipped", "failed", "seconds"]


@pytest.fixture
def photos(tmp_path: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The prepared photos again, to be indexed into an empty library with the tiny pack."""
    home = tmp_path / "home"
    shutil.copytree(prepared / "home/packs", home / "packs")
    monkeypatch.setenv("ALBUMEN_HOME", str(home))
    return Path(shutil.copytree(prepared / "photos", tmp_path / "photos"))


def test_the_json_lines_are_those_that_scripts_rely_on(albumen, photos: Path) -> None:
    done = albumen("index", photos, "--json", "--pack", "tiny")
    *commits, last = done.lines
    assert done.code == 0
    assert commits
    assert all(list(commit) == ["event", "photos"] for commit in commits)
    assert all(commit["event"] == "committed" for commit in commits)
    assert list(last) == COUNTS
    assert last["event"] == "done"
    found = sum(last[key] for key in ("indexed", "unchanged", "moved", "skipped", "failed"))
    assert commits[-1]["photos"] == found
    assert (last["failed"], last["removed"]) == (1, 0)
    assert done.err == ""


def test_a_second_run_finds_everything_unchanged(albumen, photos: Path) -> None:
    first = albumen("index", photos, "--json", "--pack", "tiny").lines[-1]
    second = albumen("index", photos, "--json").lines[-1]
    assert (second["indexed"], second["moved"], second["removed"]) == (0, 0, 0)
    assert second["unchanged"] == first["indexed"] + first["moved"]


def test_without_a_path_the_known_folders_are_looked_through_again(albumen, photos: Path) -> None:
    albumen("index", photos / "2024", "--quiet", "--pack", "tiny")
    (photos / "2024/rocket.jpg").unlink()
    done = albumen("index", "--json").lines[-1]
    assert (done["removed"], done["unchanged"]) == (1, 2)


def test_a_known_folder_whose_disk_is_away_does_not_keep_the_others_from_being_indexed(
    albumen, photos: Path, tmp_path: Path
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    shutil.copy(photos / "cat.png", stick)
    albumen("index", photos / "2024", stick, "--quiet", "--pack", "tiny")
    stick.rename(tmp_path / "away")
    done = albumen("index", "--json")
    assert (done.lines[-1]["removed"], done.lines[-1]["unchanged"]) == (0, 3)
    assert done.err == f"Note: {stick} is not there; its photos are kept\n"
    (photos / "2024").rename(tmp_path / "away too")
    assert albumen("index").code == 2


def test_the_first_pack_used_is_the_one_in_use(albumen, photos: Path) -> None:
    albumen("index", photos, "--quiet", "--pack", "tiny")
    assert albumen("search", "a cat", "--json").json["pack"] == "tiny"


def test_indexing_with_another_pack_says_which_one_searches_use(albumen, photos: Path) -> None:
    packs = Path(os.environ["ALBUMEN_HOME"]) / "packs"
    build(packs / "other", "other")
    assert "searches use" not in albumen("index", photos, "--pack", "tiny").err
    done = albumen("index", photos, "--pack", "other")
    assert "searches use the pack tiny" in done.err


def test_strict_makes_a_failure_exit_code_1(albumen, photos: Path) -> None:
    assert albumen("index", photos, "--quiet", "--pack", "tiny", "--strict").code == 1
    (photos / "broken.jpg").unlink()
    assert albumen("index", photos, "--quiet", "--pack", "tiny", "--strict").code == 0


def test_a_person_is_told_the_counts_and_where_to_look(albumen, photos: Path) -> None:
    done = albumen("index", photos, "--pack", "tiny")
    assert done.out == ""
    assert "photos indexed" in done.err
    assert "1 failed" in done.err
    assert "albumen problems" in done.err


def test_patterns_and_hidden_files(albumen, photos: Path) -> None:
    options = ["--json", "--pack", "tiny"]
    first = albumen("index", photos, *options, "--include", "*.png", "--exclude", "2024/").lines[-1]
    assert first["indexed"] == 3
    assert albumen("index", photos, *options, "--hidden").lines[-1]["failed"] == 1


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_path_that_does_not_exist_is_named(albumen, photos: Path, options: list[str]) -> None:
    done = albumen("index", photos / "none", "--pack", "tiny", *options)
    assert done.code == 2
    assert str(photos / "none") in done.err
    assert len(done.err.splitlines()) == 1


def test_an_empty_folder_is_no_error(albumen, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = albumen("index", tmp_path / "empty", "--pack", "tiny")
    assert done.code == 0
    assert "No photo was found there." in done.err


def test_a_folder_without_photos_says_what_was_skipped(albumen, photos: Path, tmp_path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.txt").write_text("hello")
    done = albumen("index", tmp_path / "texts", "--pack", "tiny")
    assert done.code == 0
    assert "No photo was found there." in done.err
    (problem,) = albumen("problems", "--json").json
    assert (problem["path"], problem["status"]) == (str(tmp_path / "texts/a.txt"), "skipped")


def test_a_device_that_is_not_here_ends_it_before_a_file_is_read(albumen, photos: Path) -> None:
    done = albumen("index", photos, "--pack", "tiny", "--device", "cuda")
    assert (done.code, done.out) == (3, "")
    assert done.err == "albumen: no device 'cuda' here; this ONNX Runtime offers: cpu\n"
    assert albumen("stats").code == 3  # no library was made


def test_photos_that_failed_are_not_said_to_be_none(albumen, photos: Path) -> None:
    done = albumen("index", photos / "broken.jpg", "--pack", "tiny")
    assert "1 failed" in done.err
    assert "No photo was found" not in done.err


def test_an_unknown_pack_is_named(albumen, photos: Path) -> None:
    done = albumen("index", photos, "--pack", "nosuch")
    assert done.code == 3
    assert "nosuch" in done.err
    assert len(done.err.splitlines()) == 1


def test_problems_in_json_have_exactly_their_keys(albumen, album: Path) -> None:
    problems = albumen("problems", "--json").json
    assert all(list(problem) == ["path", "stage", "status", "reason"] for problem in problems)
    (failed,) = [problem for problem in problems if problem["status"] == "failed"]
    assert (failed["path"], failed["stage"]) == (str(album / "broken.jpg"), "decode")


def test_problems_in_words_are_grouped_by_reason(albumen, album: Path) -> None:
    done = albumen("problems")
    assert "1 file failed: " in done.out
    assert str(album / "broken.jpg") in done.out
    assert "--retry-failed" in done.err


def test_no_problems_is_good_news(albumen, photos: Path, tmp_path: Path) -> None:
    only = tmp_path / "only"
    only.mkdir()
    shutil.copy(photos / "cat.png", only)
    albumen("index", only, "--pack", "tiny", "--quiet")
    done = albumen("problems")
    assert (done.code, done.out) == (0, "")
    assert "No problems" in done.err


def test_a_second_index_at_the_same_time_is_refused(albumen, photos: Path) -> None:
    from albumen.library.home import default

    with default().writer_lock():
        done = albumen("index", photos, "--pack", "tiny")
    assert done.code == 3
    assert "another albumen index is running" in done.err
    assert f"pid {os.getpid()}" in done.err


def test_ctrl_c_keeps_what_was_done_and_exits_with_130(albumen, photos, sample_photos) -> None:
    for number in range(400):  # each a content of its own, so that the run takes a while
        data = (sample_photos / "rocket.jpg").read_bytes() + number.to_bytes(4, "big")
        (photos / f"{number}.jpg").write_bytes(data)
    command = [
        sys.executable,
        "-m",
        "albumen.cli.main",
        "index",
        photos,
        "--pack",
        "tiny",
        "--json",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()  # the first commit
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert (
        err.strip() == "albumen: stopped; what was committed is kept, and the same command goes on"
    )
    assert '"done"' not in out
    kept = albumen("stats", "--json").json["photos"]
    assert 0 < kept < 406
    assert albumen("index", photos, "--json").lines[-1]["unchanged"] >= kept


def test_progress_lines_say_how_far_how_fast_and_how_long() -> None:
    from albumen.cli.progress import line

    assert line(1200, 5000, 5.0) == "1,200 of 5,000 files, 240 a second, about 16 s left"
    assert line(0, 10, 0.0) == "0 of 10 files, 0 a second"


def test_a_terminal_shows_a_bar(photos: Path) -> None:
    import pty

    parent, child = pty.openpty()
    command = [sys.executable, "-m", "albumen.cli.main", "index", photos, "--pack", "tiny"]
    process = subprocess.Popen(command, stderr=child, stdout=subprocess.DEVNULL)
    os.close(child)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            part = os.read(parent, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(parent)
    assert process.wait(10) == 0
    assert "Indexing" in shown.decode(errors="replace")
    assert "photos indexed" in shown.decode(errors="replace")

"""A file is replaced as a whole, or it is as it was before."""

import os
from pathlib import Path

import pytest
from tests.full_disk import full_disk

from albumen.whole_file import replacing


@pytest.mark.parametrize("durable", [True, False])
def test_a_new_file_takes_the_place_of_the_old_one(tmp_path: Path, durable: bool) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with replacing(file, durable=durable) as out:
        out.write(b"new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert [*tmp_path.iterdir()] == [file]


def test_what_fails_leaves_the_old_one_and_no_trace(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    def fails() -> None:
        with replacing(file) as out:
            out.write(b"half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert file.read_text() == "old"
    assert [*tmp_path.iterdir()] == [file]


def test_a_full_disk_leaves_the_old_one_and_no_trace(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with (
        full_disk(),
        pytest.raises(OSError, match="No space left"),
        replacing(file) as out,
    ):
        out.write(b"new")
    assert file.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [file]


def test_it_may_be_read_by_whom_other_new_files_may(tmp_path: Path) -> None:
    with replacing(tmp_path / "one"):
        pass
    (tmp_path / "other").touch()
    assert (tmp_path / "one").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("name", ["a" * 255, "ä" * 127, os.fsdecode(b"\xff" * 255)])
def test_the_longest_names_will_do(tmp_path: Path, name: str) -> None:
    with replacing(tmp_path / name) as out:
        out.write(b"new")
    assert (tmp_path / name).read_bytes() == b"new"


def test_two_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with replacing(file) as first, replacing(file) as second:
        first.write(b"first")
        second.write(b"second")
    assert file.read_bytes() == b"first", "the last to be done"
    assert [*tmp_path.iterdir()] == [file]

"""Reading a file once and hashing it; what may happen to a file meanwhile."""

import os
from pathlib import Path

import pytest
from blake3 import blake3
from tests.library.test_home import as_nobody

from albumen.library import identify as module
from albumen.library.identify import identify
from albumen.library.records import Failure, Identified, Root, Seen


def seen(path: Path) -> Seen:
    status = path.stat()
    return Seen(
        Root(1, path.parent),
        os.fsencode(path.name),
        status.st_size,
        status.st_mtime_ns,
        status.st_ino,
    )


def new(content: bytes) -> bool:
    return False


def test_a_file_is_its_content(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"content")
    assert identify(seen(file), new) == Identified(
        seen(file), blake3(b"content").digest(), b"content"
    )


def test_of_a_settled_content_the_bytes_are_not_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"content")
    identified = identify(seen(file), lambda content: content == blake3(b"content").digest())
    assert isinstance(identified, Identified)
    assert identified.data is None


def test_a_file_that_changed_since_the_walk_is_known_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"content")
    before = seen(file)
    file.write_bytes(b"other content")
    identified = identify(before, new)
    assert isinstance(identified, Identified)
    assert identified.seen == seen(file)


def test_a_file_that_vanished_may_come_back(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"content")
    before = seen(file)
    file.unlink()
    assert identify(before, new) == Failure(
        "identify", "failed", "it vanished before it could be read", lasting=False
    )


@pytest.mark.parametrize("change", ["grows", "shrinks", "is touched"])
def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"content" * 1000)
    before = seen(file)
    read = os.read

    def read_and_change(descriptor: int, size: int) -> bytes:
        data = read(descriptor, size // 2)
        if change == "is touched":
            os.utime(file, ns=(1, 1))
        else:
            os.truncate(file, 9000 if change == "grows" else 100)
        return data

    monkeypatch.setattr(module.os, "read", read_and_change)
    failure = identify(before, new)
    assert isinstance(failure, Failure)
    assert "changed while it was read" in failure.reason
    assert not failure.lasting


def test_a_file_too_large_is_skipped_unread(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    with file.open("wb") as opened:
        opened.truncate(module.MAX_BYTES + 1)  # sparse: takes no room
    assert identify(seen(file), new) == Failure("identify", "skipped", "larger than 256 MB")


def test_an_empty_file_is_no_photo(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.touch()
    assert identify(seen(file), new) == Failure("identify", "failed", "the file is empty")


def test_a_file_that_may_not_be_read_is_tried_again_in_the_next_run(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"content")
    file.chmod(0)
    before = seen(file)
    with as_nobody():
        failure = identify(before, new)
    assert isinstance(failure, Failure)
    assert "permission" in failure.reason
    assert not failure.lasting


def test_a_name_that_became_a_pipe_does_not_hang(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(b"content")
    before = seen(file)
    file.unlink()
    os.mkfifo(file)
    failure = identify(before, new)
    assert isinstance(failure, Failure)
    assert failure.status == "skipped"

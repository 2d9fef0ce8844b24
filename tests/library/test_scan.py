"""The walk finds every picture once, gives a reason for all else, and opens nothing."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albumen.errors import UsageError
from albumen.library.patterns import Patterns
from albumen.library.records import LibraryError
from albumen.library.scan import Entry, ScanProblem, scan


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"picture")


def found(root: Path, **options: object) -> list[str]:
    return [
        os.fsdecode(item.relative)
        for item in scan(root, **options)  # type: ignore[arg-type]
        if isinstance(item, Entry)
    ]


def problems(root: Path, **options: object) -> dict[str, tuple[str, str]]:
    return {
        os.fsdecode(item.relative): (item.failure.status, item.failure.reason)
        for item in scan(root, **options)  # type: ignore[arg-type]
        if isinstance(item, ScanProblem)
    }


def test_pictures_are_found_at_any_depth_in_a_fixed_order(tmp_path: Path) -> None:
    touch(tmp_path, "b.JPG", "a.jpg", "2024/x.heic", "2024/05/y.png", "2023/z.webp", "ä.tiff")
    assert found(tmp_path) == [
        "a.jpg",
        "b.JPG",
        "ä.tiff",
        "2023/z.webp",
        "2024/x.heic",
        "2024/05/y.png",
    ]


def test_an_entry_has_the_files_size_time_and_inode(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (entry,) = scan(tmp_path)
    status = (tmp_path / "a.jpg").stat()
    assert entry == Entry(b"a.jpg", 7, status.st_mtime_ns, status.st_ino)


@pytest.mark.parametrize(
    "name",
    [
        b"new\nline.jpg",
        b'it\'s "quoted".jpg',
        "🦊.jpg".encode(),
        b"undecodable \xff\xfe.jpg",
        b" .jpg",
        b"-rf.jpg",
        b"a" * 251 + b".jpg",
    ],
)
def test_odd_names_come_out_as_they_are(name: bytes, tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "wb"):
        pass
    (entry,) = scan(tmp_path)
    assert entry.relative == name
    assert (tmp_path / os.fsdecode(entry.relative)).exists()


def test_other_files_are_skipped_with_a_reason(tmp_path: Path) -> None:
    touch(tmp_path, "film.mov", "README", "Thumbs.db", "raw.CR2", "drawing.svg")
    assert found(tmp_path) == []
    assert problems(tmp_path) == {
        "film.mov": ("skipped", "not a picture by its name (.mov)"),
        "README": ("skipped", "not a picture by its name (no extension)"),
        "Thumbs.db": ("skipped", "not a picture by its name (.db)"),
        "raw.CR2": ("skipped", "a kind of picture that Albumen does not read (.cr2)"),
        "drawing.svg": ("skipped", "a kind of picture that Albumen does not read (.svg)"),
    }


def test_sidecars_are_candidates_though_no_pictures(tmp_path: Path) -> None:
    touch(tmp_path, "x.jpg.xmp", "y.XMP", "._z.xmp")
    assert found(tmp_path) == ["x.jpg.xmp", "y.XMP"]


def test_hidden_files_and_folders_count_only_when_asked_for(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", ".hidden.jpg", ".trash/b.jpg", "._a.jpg", ".DS_Store")
    assert found(tmp_path) == ["a.jpg"]
    assert problems(tmp_path) == {}
    assert found(tmp_path, hidden=True) == [".hidden.jpg", "a.jpg", ".trash/b.jpg"]
    assert problems(tmp_path, hidden=True) == {
        "._a.jpg": ("skipped", "a companion file of macOS, not a picture"),
        ".DS_Store": ("skipped", "not a picture by its name (no extension)"),
    }


def test_the_folders_of_systems_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "$RECYCLE.BIN/b.jpg")
    assert found(tmp_path, hidden=True) == ["a.jpg"]
    assert problems(tmp_path) == {}


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    assert list(scan(tmp_path)) == []


def test_a_single_file_as_root_is_found_by_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.txt")
    assert found(tmp_path / "a.jpg") == ["a.jpg"]
    assert problems(tmp_path / "b.txt") == {
        "b.txt": ("skipped", "not a picture by its name (.txt)")
    }


def test_a_root_that_does_not_exist_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="does not exist; check the path"):
        scan(tmp_path / "nowhere")


# Links


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    touch(tmp_path, "deep/er/a.jpg")
    (tmp_path / "deep/er/up").symlink_to(tmp_path)
    (tmp_path / "deep/er/here").symlink_to(".")
    (tmp_path / "self").symlink_to("self")
    assert found(tmp_path) == ["deep/er/a.jpg"]


def test_a_linked_folder_is_followed_once(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.jpg")
    (tmp_path / "root").mkdir()
    for name in ("one", "two"):
        (tmp_path / "root" / name).symlink_to(tmp_path / "elsewhere")
    assert found(tmp_path / "root") == ["one/a.jpg"]


def test_a_link_never_takes_the_place_of_the_real_path(tmp_path: Path) -> None:
    touch(tmp_path, "z/real.jpg")
    (tmp_path / "a").symlink_to("z")
    (tmp_path / "a.jpg").symlink_to("z/real.jpg")
    assert found(tmp_path) == ["z/real.jpg"]


def test_a_linked_file_from_elsewhere_is_taken_once(tmp_path: Path) -> None:
    touch(tmp_path, "elsewhere/a.jpg", "root/own.jpg", "root/blobs/2f8a")
    for name in ("one.jpg", "two.jpg"):
        (tmp_path / "root" / name).symlink_to(tmp_path / "elsewhere/a.jpg")
    (tmp_path / "root/annexed.jpg").symlink_to("blobs/2f8a")
    assert found(tmp_path / "root") == ["own.jpg", "annexed.jpg", "one.jpg"]


def test_what_lies_in_a_trash_is_no_candidate(tmp_path: Path) -> None:
    trashes = (".local/share/Trash/files", ".Trash-1000/files", ".Trash/1000/files", ".Trashes")
    touch(tmp_path, "a.jpg", "Trash/b.jpg", *(f"{trash}/c.jpg" for trash in trashes))
    assert found(tmp_path, hidden=True) == ["a.jpg", "Trash/b.jpg"]


def test_a_link_into_an_excluded_or_hidden_folder_is_taken(tmp_path: Path) -> None:
    touch(tmp_path, ".store/a.jpg", "raw/b.jpg")
    (tmp_path / "a.jpg").symlink_to(".store/a.jpg")
    (tmp_path / "b.jpg").symlink_to("raw/b.jpg")
    assert found(tmp_path, exclude=["raw"]) == ["a.jpg", "b.jpg"]


def test_a_link_that_leads_nowhere_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    assert problems(tmp_path) == {
        "gone.jpg": ("failed", "the link leads nowhere (no such file or directory)")
    }


# What can't be read


def test_pipes_and_sockets_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    here = os.open(tmp_path, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{here}/socket.jpg")
        assert problems(tmp_path) == {
            "pipe.jpg": ("skipped", "not a file but a named pipe"),
            "socket.jpg": ("skipped", "not a file but a socket"),
        }
    os.close(here)


AS_NOBODY = """
import os, sys
from pathlib import Path
from albumen.library.records import LibraryError
from albumen.library.scan import scan
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
os.chdir("/")
try:
    for item in scan(Path(sys.argv[1])):
        print(item)
except LibraryError as error:
    print("refused:", error)
"""


def test_a_folder_that_cannot_be_read_is_a_problem_and_the_rest_goes_on(tmp_path: Path) -> None:
    touch(tmp_path, "open/a.jpg", "closed/b.jpg")
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    (tmp_path / "closed").chmod(0)
    try:
        run = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, tmp_path], capture_output=True, text=True
        )
    finally:
        (tmp_path / "closed").chmod(0o755)
    if "Permission denied" in run.stderr:
        pytest.skip("another user can't run this interpreter here")
    assert "open/a.jpg" in run.stdout
    assert "the folder can't be read (permission denied)" in run.stdout


def test_a_folder_that_vanishes_during_the_walk_is_a_problem(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b/c.jpg", "d/e.jpg")
    walk = scan(tmp_path)
    assert next(walk).relative == b"a.jpg"  # the root has been listed, `b` not yet
    (tmp_path / "b/c.jpg").unlink()
    (tmp_path / "b").rmdir()
    problem, entry = walk
    assert isinstance(problem, ScanProblem)
    assert problem.relative == b"b"
    assert "can't be read" in problem.failure.reason
    assert entry.relative == b"d/e.jpg"


def test_a_file_that_vanishes_during_the_walk_is_a_problem(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.jpg")
    walk = scan(tmp_path)
    next(walk)
    (tmp_path / "b.jpg").unlink()
    (problem,) = walk
    assert isinstance(problem, ScanProblem)
    assert "vanished" in problem.failure.reason


def test_albumens_own_home_is_never_entered_by_whatever_way(tmp_path: Path) -> None:
    touch(tmp_path, "photos/home/cache/thumbnail.jpg", "photos/a.jpg")
    home = tmp_path / "photos/home"
    (tmp_path / "photos/link").symlink_to(home)
    assert found(tmp_path / "photos", never=[home]) == ["a.jpg"]
    assert found(home, never=[home]) == []


# Patterns


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("*.png", ["a.png", "x/y/a.PNG"], ["a.pngx", "a.jpg", "png"]),
        ("raw", ["raw", "raw/a.jpg", "x/raw/y/a.jpg", "x/RAW"], ["raws/a.jpg", "x/a.raw"]),
        ("raw/", ["raw/a.jpg", "x/raw/a.jpg"], ["raws/a.jpg"]),
        ("2024/*.jpg", ["2024/a.jpg"], ["x/2024/a.jpg", "2024/x/a.jpg"]),
        ("2024/**/*.jpg", ["2024/a.jpg", "2024/x/y/a.jpg"], ["2023/a.jpg"]),
        ("**/raw/*", ["raw/a.jpg", "x/y/raw/a.jpg"], ["raw", "x/raw.jpg"]),
        ("/top.jpg", ["top.jpg"], ["x/top.jpg"]),
        ("IMG_?.jpg", ["IMG_1.jpg"], ["IMG_12.jpg", "IMG_/.jpg"]),
        ("IMG_[0-9].jpg", ["IMG_1.jpg"], ["IMG_x.jpg"]),
        ("IMG_[!0-9].jpg", ["IMG_x.jpg"], ["IMG_1.jpg"]),
        ("a.b+c(d).jpg", ["a.b+c(d).jpg"], ["aXb+c(d).jpg"]),
        ("ä*.jpg", ["ärger.jpg"], ["arger.jpg"]),
        ("[", ["x/["], ["x"]),
    ],
)
def test_patterns_mean_what_the_documentation_says(
    pattern: str, matching: list[str], other: list[str]
) -> None:
    patterns = Patterns([pattern])
    assert [path for path in matching if not patterns.matches(path.encode())] == []
    assert [path for path in other if patterns.matches(path.encode())] == []


@given(st.lists(st.text(alphabet="ab*?[]!-/.\\\n", max_size=8), max_size=3))
def test_any_text_is_a_pattern_or_a_usage_error(texts: list[str]) -> None:
    try:
        patterns = Patterns(texts)
    except UsageError:
        return
    assert isinstance(patterns.matches(b"a/b.jpg"), bool)


def test_include_and_exclude_choose_files_and_exclude_is_stronger(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.png", "raw/c.jpg", "trip/d.jpg", "trip/e.txt", "f.txt")
    assert found(tmp_path, include=["*.jpg"]) == ["a.jpg", "raw/c.jpg", "trip/d.jpg"]
    assert found(tmp_path, include=["trip"]) == ["trip/d.jpg"]
    assert found(tmp_path, exclude=["raw", "*.png"]) == ["a.jpg", "trip/d.jpg"]
    assert found(tmp_path, include=["*.jpg"], exclude=["trip/**"]) == ["a.jpg", "raw/c.jpg"]


def test_what_the_patterns_leave_out_is_no_problem_either(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "f.txt", "raw/g.txt")
    assert list(problems(tmp_path)) == ["f.txt", "raw/g.txt"]
    assert problems(tmp_path, include=["*.jpg"]) == {}
    assert list(problems(tmp_path, exclude=["raw"])) == ["f.txt"]


def test_an_impossible_pattern_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no glob"):
        scan(tmp_path, include=["[z-a]"])

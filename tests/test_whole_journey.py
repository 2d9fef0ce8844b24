"""Every command, watched from outside: originals stay as they are, and nothing leaves the machine.

The journey is taken once, under strace where that is installed. Positive controls show that each
watch would see what it looks for.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from tests import journey, tracing
from tests.cli.test_help_examples import examples_hub
from tests.journey import Place, Step
from tests.tracing import calls, changes, needs_strace, trace

pytestmark = pytest.mark.timeout(1800)  # the first test waits for the whole journey

PHOTOS = 2000


class Look(NamedTuple):
    """What a file or folder is; `content` is a file's hash."""

    content: str | None
    modified: int
    changed: int
    mode: int
    owner: int
    inode: int
    attributes: list[tuple[str, bytes]]


@dataclass(frozen=True)
class Journey:
    """A journey that was taken: how each step ended, the roots before it, and strace's log."""

    place: Place
    steps: list[Step]
    codes: list[tuple[str, int]]
    errors: str
    before: dict[Path, dict[str, Look]]
    log: Path | None


def look(root: Path) -> dict[str, Look]:
    """Content, time, mode, owner and extended attributes of all that lies there.

    The time of the last change to any of them (ctime) tells even what was put back afterwards.
    """
    paths = [root, *sorted(root.rglob("*"))] if root.is_dir() else [root]
    return {str(path): _fingerprint(path) for path in paths}


def _fingerprint(path: Path) -> Look:
    status = path.lstat()
    content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    names = os.listxattr(path) if hasattr(os, "listxattr") else []
    attributes = sorted((name, os.getxattr(path, name)) for name in names)
    times = status.st_mtime_ns, status.st_ctime_ns
    return Look(content, *times, status.st_mode, status.st_uid, status.st_ino, attributes)


@pytest.fixture(scope="module")
def taken(
    tmp_path_factory: pytest.TempPathFactory, sample_photos: Path, tiny_pack: Path, wide_shard: Path
) -> Journey:
    """Every command but those of the hub, among 2,000 files."""
    folder = tmp_path_factory.mktemp("journey")
    place = journey.prepare(folder, sample_photos, tiny_pack, wide_shard, photos=PHOTOS)
    for photos in (place.user / "Pictures", *place.moved):
        _make_various(photos)
    return take(place, list(journey.steps(place, hub=False)))


def take(place: Place, steps: list[Step], **more: str) -> Journey:
    """Those steps, watched."""
    before = {root: look(root) for root in (*place.roots, *place.moved)}
    command, env = journey.script(place, steps), journey.environment(place, **more)
    log = None
    if tracing.HAS_STRACE:
        log = place.work.parent / "strace.log"
        done = trace(command, log, cwd=place.work, env=env)
    else:
        done = subprocess.run(command, cwd=place.work, env=env, capture_output=True, text=True)
    assert [name for name, _ in journey.codes(done)] == [step.name for step in steps], done.stderr
    return Journey(place, steps, journey.codes(done), done.stderr, before, log)


def _make_various(folder: Path) -> None:
    """Modes, times and, where the disk has them, extended attributes of all sorts."""
    for number, path in enumerate(sorted([*folder.rglob("*.jpg"), *folder.rglob("*.png")])):
        if hasattr(os, "setxattr"):
            with contextlib.suppress(OSError):  # a disk that keeps none
                os.setxattr(path, "user.note", b"seen %d" % number)
        path.chmod((0o644, 0o600, 0o444, 0o640)[number % 4])
        os.utime(path, ns=(1, 1_500_000_000_123_456_789 + number))


@pytest.fixture(scope="module")
def traced(taken: Journey) -> Path:
    """What strace saw of it."""
    if taken.log is None:
        pytest.skip(tracing.WITHOUT)
    return taken.log


def test_every_command_was_there(taken: Journey) -> None:
    assert "unexpected" not in taken.errors
    assert [step for step in taken.codes if step[1] not in (0, 1)] == []
    apart = [step for step in taken.codes if step[0].split()[0] in journey.APART]
    assert [step for step in apart if step[1]] == []  # what was moved came back
    known = {name for name, _ in journey.COMMANDS}
    assert {name for name, _ in taken.codes} >= known - {"albumen", "train", *journey.HUB}


def test_two_thousand_originals_stay_as_they_are(taken: Journey) -> None:
    assert sum(len(taken.before[root]) for root in taken.place.roots) > PHOTOS
    assert altered(taken, taken.place.roots) == {}


def altered(taken: Journey, roots: Iterable[Path]) -> dict[str, tuple[object, object]]:
    """What is not as it was before: the old look and the new one, by path."""
    return {
        path: (seen.get(path), now.get(path))
        for root in roots
        for seen, now in [(taken.before[root], look(root))]
        for path in {*seen, *now}
        if seen.get(path) != now.get(path)
    }


def test_what_was_trashed_and_put_back_is_as_it_was(taken: Journey) -> None:
    """Content, time, mode, owner, attributes, and the file itself: it was renamed, not copied.

    A rename sets the time of the last change (ctime), and the times of the folders it touches.
    """
    changed = altered(taken, taken.place.moved)
    files = {path: looks for path, looks in changed.items() if Path(path).is_file()}
    assert len({Path(path).parent for path in files}) > 1  # they were away: ctime tells
    for path in changed:
        seen, now = (_but_for_a_rename(looks) for looks in changed[path])
        assert seen == now, path


def _but_for_a_rename(seen: object) -> tuple[object, ...]:
    assert isinstance(seen, Look)
    return seen._replace(changed=0, modified=0 if seen.content is None else seen.modified)


def test_nothing_under_a_root_was_opened_to_be_written(taken: Journey, traced: Path) -> None:
    for root in taken.place.roots:
        assert changes(traced, root) == []


def test_photos_are_renamed_into_the_trash_and_back_and_nothing_else(
    taken: Journey, traced: Path
) -> None:
    done = {
        (taken.steps[int(call.step)].name.split()[0], call.name)
        for root in taken.place.moved
        for call in changes(traced, root)
    }
    assert done == {("trash", "renameat2")}


def test_all_that_was_written_lies_in_the_library_or_where_the_command_said(
    taken: Journey, traced: Path
) -> None:
    written = {
        (int(call.step), path)
        for call in calls(traced)
        if call.name in tracing.WRITERS and call.writes and not call.failed and call.step
        for path in call.paths
    }
    elsewhere = {
        (step.name, path)
        for step, name in ((taken.steps[number], name) for number, name in written)
        for path in [str(step.folder / name)]
        if not path.startswith(allowed(step, taken.place))
    }
    assert elsewhere == set()
    left = {path.name for path in taken.place.temporary.iterdir()}
    assert {name for name in left if not name.startswith("torchinductor_")} == set()  # PyTorch's


def allowed(step: Step, place: Place) -> tuple[str, ...]:
    """Where that command may write: the beginnings of paths."""
    library = step.environment.get("ALBUMEN_HOME", str(place.home))
    named = [str(step.folder / word) for word in step.arguments if not word.startswith("-")]
    by_command = {
        "demo": [str(step.folder / "demo")],
        "train": [str(step.folder / "runs"), str(place.temporary)],
        "models": [str(place.temporary)],
        "trash": [str(step.folder / "photos"), str(place.trash)],
    }.get(step.name.split()[0], [])
    return library, "/dev/", "/proc/self", *named, *by_command


def test_no_socket_was_opened_and_no_name_looked_up(traced: Path) -> None:
    assert [call for call in calls(traced) if call.is_inet or call.beyond_loopback] == []


def test_no_log_holds_a_photo_s_path_or_a_query(taken: Journey) -> None:
    told = {b"photo-00", b"cat.png", b"Pictures", b"motorcycle", b"sunset", b"cup of coffee"}
    assert list(_files_that_hold(told, taken.place.home)) == []


def test_a_log_that_held_a_path_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "run.log").write_text("read /home/me/Pictures/cat.png")
    assert list(_files_that_hold({b"cat.png"}, tmp_path)) == [tmp_path / "logs" / "run.log"]


def _files_that_hold(words: set[bytes], home: Path) -> Iterator[Path]:
    """All of the library's files but the library itself, which is made of paths."""
    for path in sorted(home.rglob("*")):
        is_ours = path.name.startswith("library.db") or path.suffix == ".onnx"
        if path.is_file() and not is_ours and any(word in path.read_bytes() for word in words):
            yield path


# The commands that may use the network


@pytest.fixture(scope="module")
def fetched(
    tmp_path_factory: pytest.TempPathFactory, sample_photos: Path, tiny_pack: Path, wide_shard: Path
) -> Journey:
    """Every example of `packs add` and `packs pull`, of a hub on this machine."""
    folder = tmp_path_factory.mktemp("fetched")
    place = journey.prepare(folder, sample_photos, tiny_pack, wide_shard, photos=12)
    hub = examples_hub(folder / "hub")
    taken = take(place, list(journey.steps(place, hub=True)), HF_ENDPOINT=hub.endpoint)
    hub.close()
    return taken


def test_packs_come_from_the_hub_that_was_named(fetched: Journey) -> None:
    assert {name for name, _ in fetched.codes} == set(journey.HUB)
    assert [step for step in fetched.codes if step[1]] == [], fetched.errors
    assert altered(fetched, fetched.place.roots) == {}


@needs_strace
def test_fetching_packs_speaks_with_nobody_else(fetched: Journey) -> None:
    assert fetched.log is not None
    assert any(call.is_inet for call in calls(fetched.log))
    assert [call for call in calls(fetched.log) if call.beyond_loopback] == []


# Positive controls: each watch sees what it looks for

BEACON = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as beacon:
    beacon.connect(("203.0.113.9", 9))  # an address for documentation; nothing is sent
"""
LOOK_UP = """
import socket
try:
    socket.getaddrinfo("telemetry.invalid", 443)
except OSError:
    pass
"""
PHONES_HOME = """
import os, sys
from albumen.packs import telemetry
os.environ["HF_ENDPOINT"] = "https://telemetry.invalid"  # looked up, and never found
if sys.argv[1] == "removed":
    telemetry.switch_off = lambda: None
telemetry.switch_off()
from huggingface_hub.utils import _telemetry
_telemetry.send_telemetry("albumen/test")
if _telemetry._TELEMETRY_THREAD is not None:
    _telemetry._TELEMETRY_QUEUE.join()
"""


def watched(tmp_path: Path, code: str, *arguments: str) -> list[tracing.Call]:
    """The calls of a short program, in an environment without a switch of any kind."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = trace([sys.executable, "-c", code, *arguments], tmp_path / "log", env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    return list(calls(tmp_path / "log"))


@needs_strace
@pytest.mark.parametrize("code", [BEACON, LOOK_UP], ids=["a beacon", "a name looked up"])
def test_what_was_planted_is_noticed(tmp_path: Path, code: str) -> None:
    assert any(call.beyond_loopback for call in watched(tmp_path, code))


@needs_strace
@pytest.mark.parametrize("switch", ["left alone", "removed"])
def test_a_dependency_s_telemetry_is_noticed_when_its_switch_is_removed(
    tmp_path: Path, switch: str
) -> None:
    seen = watched(tmp_path, PHONES_HOME, switch)
    assert any(call.beyond_loopback for call in seen) == (switch == "removed")


WRITE = """
import os, sys
folder = sys.argv[1]
{}
"""


@needs_strace
@pytest.mark.parametrize(
    "harm",
    [
        "open(folder + '/photo.jpg', 'r+b').close()",
        "os.chdir(folder); os.utime('photo.jpg')",
        "os.chmod(folder + '/photo.jpg', 0o600)",
        "os.rename(folder + '/photo.jpg', folder + '/other.jpg')",
        "os.open('new.jpg', os.O_CREAT | os.O_WRONLY, dir_fd=os.open(folder, os.O_RDONLY))",
        "import subprocess; subprocess.run(['touch', folder + '/photo.jpg'], check=True)",
    ],
    ids=["opened", "time", "mode", "renamed", "made", "by a child"],
)
def test_a_change_to_a_photo_is_noticed(tmp_path: Path, harm: str) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "photo.jpg").touch()
    watched(tmp_path, WRITE.format(harm), str(tmp_path / "photos"))
    assert changes(tmp_path / "log", tmp_path / "photos")


@needs_strace
def test_reading_a_photo_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "photo.jpg").touch()
    watched(tmp_path, WRITE.format("open(folder + '/photo.jpg').read()"), str(tmp_path / "photos"))
    assert changes(tmp_path / "log", tmp_path / "photos") == []

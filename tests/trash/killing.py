"""Kills a process that trashes or restores before each line that it would run, and looks around.

    python -m tests.trash.killing FOLDER trash|restore EVERY FIRST [old]

Makes an album in FOLDER, then does the same again and again: a child begins to trash (or restore)
its photos and kills itself (SIGKILL) before its n-th line of `albumen.trash`; n grows by EVERY
from FIRST until the child comes to its end. After each kill each photo must lie in exactly one
place, as a file manager sees it; a new process must put that in order, and bring every photo back.
Prints how many kills there were; what is wrong ends it with a traceback. `old`: as on a kernel or
file system that cannot rename without replacing.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from tests.library.albums import counts, index, jpeg
from tests.trash.looking import contents, in_bin

import albumen.trash
from albumen.library.home import Home
from albumen.library.store import Store
from albumen.trash import in_trash, journal, moving, restore, trash

ROOM = str(Path(albumen.trash.__file__).parent)
PHOTOS = ("same/a.jpg", "other/a.jpg")


def kill_after(lines: int) -> None:
    """Have this process killed before so many more lines of the room are run."""
    left = lines

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.startswith(ROOM):
            return None
        if event == "line":
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


class Scene:
    """The album, its library and its trash."""

    def __init__(self, folder: Path):
        self.photos, self.home, self.bin = folder / "photos", Home(folder / "home"), folder / "bin"
        os.environ["XDG_DATA_HOME"] = str(folder)
        self.bin = folder / "Trash"
        for n, name in enumerate(PHOTOS):
            (self.photos / name).parent.mkdir(parents=True)
            (self.photos / name).write_bytes(jpeg(n))
        index(self.home, self.photos)
        self.before = contents(self.photos)
        self.paths = [self.photos / name for name in PHOTOS]

    def trash(self) -> None:
        with Store.open(self.home) as store:
            list(trash(store, self.paths))

    def restore(self) -> None:
        with Store.open(self.home) as store:
            list(restore(store, [entry.id for entry in in_trash(store)]))

    def child_came_to_its_end(self, doing: str, lines: int) -> bool:
        child = os.fork()
        if child == 0:
            kill_after(lines)
            getattr(self, doing)()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert status in (0, signal.SIGKILL), f"the child ended with {status}"
        return status == 0

    def check_that_each_is_in_one_place(self) -> None:
        """Before anybody puts anything in order: what a person would find."""
        files = self.bin / "files"
        binned = list(files.iterdir()) if files.exists() else []
        for path in self.paths:
            data = self.before[str(path.relative_to(self.photos))]
            places = [place for place in (path, *binned) if _holds(place, data)]
            inodes = {place.stat().st_ino for place in places}
            assert len(inodes) == 1, f"{path} is in {places}"
            # Only without the kernel's help has a file two names for a moment.
            assert len(places) == 1 or (moving._renameat2 is None and path in places), places
            for place in places:
                info = self.bin / "info" / f"{place.name}.trashinfo"
                assert place == path or f"Path={path}\n" in info.read_text(), info

    def check_that_it_is_put_in_order(self) -> None:
        with Store.open(self.home) as store:
            listed = {entry.path: entry for entry in in_trash(store)}
            assert journal.begun(store.db) == []
            shown = {os.fsdecode(path): file for path, file in in_bin(self.bin).items()}
            assert shown == {str(path): entry.file for path, entry in listed.items()}
            for path in self.paths:
                known = store.photo_by_path(path) is not None
                assert (path.exists(), path in listed, known) in [
                    (True, False, True),
                    (False, True, False),
                ]

    def check_that_all_come_back(self) -> None:
        self.restore()
        assert contents(self.photos) == self.before
        assert in_bin(self.bin) == {}
        with Store.open(self.home) as store:
            assert all(store.photo_by_path(path) for path in self.paths)

    def check_that_the_library_agrees(self) -> None:
        assert counts(index(self.home, self.photos)) == {"unchanged": len(PHOTOS)}


def _holds(place: Path, data: bytes) -> bool:
    return place.is_file() and place.read_bytes() == data


def main() -> None:
    folder, doing, every, lines = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if sys.argv[5:] == ["old"]:
        moving._renameat2 = None
    scene = Scene(Path(folder))
    kills = 0
    while True:
        if doing == "restore":
            scene.trash()
        if scene.child_came_to_its_end(doing, lines):
            break
        scene.check_that_each_is_in_one_place()
        scene.check_that_it_is_put_in_order()
        scene.check_that_all_come_back()
        kills += 1
        lines += every
        if kills % 20 == 0:
            scene.check_that_the_library_agrees()
    scene.trash()
    scene.restore()
    scene.check_that_the_library_agrees()
    print(kills)


if __name__ == "__main__":
    main()

"""Files of one name, trashed by several processes at once: how many are lost, beside send2trash.

    python -m bench.trash [FILES] [OTHER]

Trashes FILES (default 1,000) files called IMG_0001.jpg, each with content of its own in a folder
of its own: 8 processes at once on the file system of the temporary folder (TMPDIR), 8 on another
(OTHER, default /dev/shm), and 2 with three times the files; send2trash and albumen by turns, three
rounds each. Both write to a trash of their own, which stands for the home trash, or to the disk's.

Lost: content that lies nowhere any more. Nameless: it lies in the trash, but its .trashinfo is
missing or tells another file's path, so that no file manager can put it back. Back: put back byte
for byte by `albumen trash restore`, of FILES. Each of our processes has a library of its own, in
the temporary folder; its time includes reading and comparing every file, and flushing to the disk.
"""

import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote

from bench._page import put

from albumen.library import indexing
from albumen.library.home import Home
from albumen.library.store import Store
from albumen.trash import in_trash, restore, trash

ROUNDS = 3
PAGE = Path(__file__).parents[1] / "docs/trash.md"
NAME = "IMG_0001.jpg"

fork = multiprocessing.get_context("fork")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    other = Path(sys.argv[2] if len(sys.argv) > 2 else "/dev/shm")
    here = Path(tempfile.gettempdir())
    settings = [
        ("the home's file system", here, 8, count),
        ("the home's file system", here, 2, 3 * count),
    ]
    if other.is_dir() and other.stat().st_dev != here.stat().st_dev:
        settings.insert(1, ("another file system", other, 8, count))
    lines = [
        "| | on | processes | files | lost | nameless | back | seconds |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for where, folder, processes, files in settings:
        results: dict[str, list[tuple[int, int, int | None, float]]] = {}
        for _ in range(ROUNDS):
            for name, one_round in (("send2trash", _send2trash), ("albumen", _albumen)):
                results.setdefault(name, []).append(one_round(folder, processes, files))
        for name, rounds in results.items():
            cells = " | ".join(_range(column) for column in zip(*rounds, strict=True))
            lines.append(f"| {_version(name)} | {where} | {processes} | {files:,} | {cells} |")
            print(lines[-1], flush=True)
    lines.append(f"\nLowest to highest of {ROUNDS} rounds.")
    if len(sys.argv) == 1:
        put(PAGE, "bench.trash", "\n".join(lines))


def _version(name: str) -> str:
    from importlib.metadata import version

    return f"{name} {version(name)}"


def _range(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    form = "{:,.1f}" if isinstance(known[0], float) else "{:,}"
    low, high = form.format(min(known)), form.format(max(known))
    return low if low == high else f"{low} to {high}"


def _send2trash(folder: Path, processes: int, files: int) -> tuple[int, int, int | None, float]:
    with _Scene(folder, processes, files) as scene:
        seconds = scene.at_once(_send)
        return *scene.lost_and_nameless(), None, seconds


def _send(paths: Sequence[Path], home: Path) -> None:
    from send2trash import send2trash  # it reads HOME and XDG_DATA_HOME when it is imported

    for path in paths:
        try:
            send2trash(path)
        except OSError as error:
            print(f"send2trash: {type(error).__name__}: {error}", file=sys.stderr)


def _albumen(folder: Path, processes: int, files: int) -> tuple[int, int, int | None, float]:
    with _Scene(folder, processes, files) as scene:
        for number, home in enumerate(scene.homes):
            indexing.index(Home(home), [scene.photos / str(number)], None)
        seconds = scene.at_once(_trash)
        lost, nameless = scene.lost_and_nameless()
        scene.at_once(_restore)
        back = sum(path.is_file() and path.read_bytes() == data for path, data in scene.contents())
        return lost, nameless, back, seconds


def _trash(paths: Sequence[Path], home: Path) -> None:
    with Store.open(Home(home)) as store:
        for _ in trash(store, paths):
            pass


def _restore(paths: Sequence[Path], home: Path) -> None:
    with Store.open(Home(home)) as store:
        for _ in restore(store, [entry.id for entry in in_trash(store)]):
            pass


class _Scene:
    """Photos, in a part for each process, with a library each, and one trash for all."""

    def __init__(self, folder: Path, processes: int, files: int):
        self.processes, self.files = processes, files
        self.user = Path(tempfile.mkdtemp(prefix="albumen-bench-"))
        self.folder = (
            self.user if folder == self.user.parent else Path(tempfile.mkdtemp(dir=folder))
        )
        self.photos = self.folder / "photos"
        self.homes = [self.user / f"library-{number}" for number in range(processes)]
        for path, data in self.contents():
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
        os.environ["HOME"], os.environ["XDG_DATA_HOME"] = str(self.user), str(self.user / "data")

    def __enter__(self) -> "_Scene":
        return self

    def __exit__(self, *error: object) -> None:
        for bin in self.bins():
            for info in (bin / "info").glob("*.trashinfo"):
                if (
                    str(self.photos.name) in info.read_text()
                    and str(self.folder.name) in info.read_text()
                ):
                    (bin / "files" / info.stem).unlink(missing_ok=True)
                    info.unlink()
        for folder in {self.folder, self.user}:
            shutil.rmtree(folder)

    def contents(self) -> list[tuple[Path, bytes]]:
        return [
            (
                self.photos / str(n % self.processes) / str(n) / NAME,
                b"\xff\xd8\xff\xe0" + n.to_bytes(4, "big") * (50 + n % 997),
            )
            for n in range(self.files)
        ]

    def bins(self) -> list[Path]:
        from albumen.trash.bins import home_trash, mount_of

        top = Path(os.fsdecode(mount_of(os.fsencode(self.folder))))
        found = [Path(os.fsdecode(home_trash())), top / f".Trash-{os.getuid()}"]
        return [bin for bin in found if (bin / "files").is_dir()]

    def at_once(self, job: Callable[[Sequence[Path], Path], None]) -> float:
        """Seconds until all processes have done their part."""
        gate = fork.Barrier(self.processes + 1)
        paths = [path for path, _ in self.contents()]

        def run(number: int) -> None:
            gate.wait()
            job(paths[number :: self.processes], self.homes[number])

        workers = [fork.Process(target=run, args=(number,)) for number in range(self.processes)]
        for worker in workers:
            worker.start()
        gate.wait()
        began = time.monotonic()
        for worker in workers:
            worker.join()
        assert all(worker.exitcode == 0 for worker in workers)
        return time.monotonic() - began

    def lost_and_nameless(self) -> tuple[int, int]:
        lying, named = {path: data for path, data in self.contents() if path.exists()}, {}
        binned = set()
        for bin in self.bins():
            for file in (bin / "files").iterdir():
                binned.add(data := file.read_bytes())
                info = bin / "info" / f"{file.name}.trashinfo"
                if info.exists():
                    told = info.read_text().partition("Path=")[2].partition("\n")[0]
                    named[data] = (bin.parent / unquote(told)).resolve()
        lost = nameless = 0
        for path, data in self.contents():
            if data in binned:
                nameless += named.get(data) != path.resolve()
            elif lying.get(path) != data:
                lost += 1
        return lost, nameless


if __name__ == "__main__":
    main()

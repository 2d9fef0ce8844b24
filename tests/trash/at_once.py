"""Eight processes trash photos of one name at once, then put them back at once.

    python -m tests.trash.at_once FOLDER COUNT libraries|library

COUNT photos called IMG_0001.jpg, each in a folder of its own, no two alike; the processes have a
library each, which meet in one trash, or all have the same. Prints how many lay in the trash, and
how many came back byte for byte.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.library.albums import index
from tests.trash.looking import contents, in_bin, own_bin

from albumen.library.home import Home
from albumen.library.store import Store
from albumen.trash import Refused, in_trash, restore, trash

PROCESSES = 8


def photo(n: int) -> bytes:
    """As good as a photo here: another content for each, of another size."""
    return b"\xff\xd8\xff\xe0" + n.to_bytes(4, "big") * (50 + n % 997)


def at_once(jobs: Sequence[Callable[[], None]]) -> None:
    """Run each job in a process of its own; all begin when the last one is there."""
    gate, opener = os.pipe()
    children = []
    for job in jobs:
        child = os.fork()
        if child == 0:
            os.close(opener)
            os.read(gate, 1)  # ends when the parent closes the other side
            job()
            os._exit(0)
        children.append(child)
    os.close(opener)
    endings = [os.waitpid(child, 0)[1] for child in children]
    assert endings == [0] * len(jobs), endings


def trash_all(home: Home, photos: Sequence[Path]) -> None:
    with Store.open(home) as store:
        refused = [one for one in trash(store, photos) if isinstance(one, Refused)]
    assert refused == [], refused


def restore_all(home: Home, ids: Sequence[int]) -> None:
    with Store.open(home) as store:
        refused = [one for one in restore(store, ids) if isinstance(one, Refused)]
    assert refused == [], refused


def main() -> None:
    folder, count, several = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "libraries"
    photos = folder / "photos"
    portions: list[list[Path]] = [[] for _ in range(PROCESSES)]
    for n in range(count):
        path = photos / f"part-{n % PROCESSES}" / f"{n:04}" / "IMG_0001.jpg"
        path.parent.mkdir(parents=True)
        path.write_bytes(photo(n))
        portions[n % PROCESSES].append(path)
    before = contents(photos)
    places = os.environ["ALBUMEN_HOME"]
    homes = [Home(Path(f"{places}/{n if several else 'one'}")) for n in range(PROCESSES)]
    for n, home in enumerate(homes):
        index(home, photos / f"part-{n}")

    at_once([lambda n=n: trash_all(homes[n], portions[n]) for n in range(PROCESSES)])  # type: ignore[misc]
    assert contents(photos) == {}
    home_bin = Path(os.environ["XDG_DATA_HOME"]) / "Trash"
    bin, top = (home_bin, None) if home_bin.exists() else (own_bin(folder), folder)
    binned = len(in_bin(bin, top))

    listed = []
    for home in dict.fromkeys(homes):
        with Store.open(home) as store:
            listed.append([entry.id for entry in in_trash(store)])
    jobs = [
        lambda n=n: restore_all(homes[n], (listed[n] if several else listed[0][n::PROCESSES]))  # type: ignore[misc]
        for n in range(PROCESSES)
    ]
    at_once(jobs)
    after = contents(photos)
    assert in_bin(bin, top) == {}
    print(binned, sum(after.get(path) == data for path, data in before.items()))


if __name__ == "__main__":
    main()

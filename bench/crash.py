"""SIGKILL at random moments while indexing: is all that was acknowledged there?

    python -m bench.crash [KILLS] [PHOTOS] [--write docs/reliability.md]

Indexes PHOTOS (default 1,600) small photos with commits of five, time and again, and kills KILLS
runs (default 200): a third each at moments drawn evenly from the whole time of an undisturbed run,
in the first quarter of a second, and within 20 ms of a commit drawn evenly from all. The next run
goes on with what is left. After each kill the library is checked as a whole and row by row, as
tests/library/test_indexing_crash.py says; each library that is whole is compared with that of an
undisturbed run. A loss ends the command with an error.
"""

import argparse
import tempfile
from pathlib import Path

from bench._page import put
from tests.library.test_indexing_crash import kill_often
from tests.packs.tiny_pack import build


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.crash")
    parser.add_argument("kills", nargs="?", type=int, default=200)
    parser.add_argument("photos", nargs="?", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--write", type=Path, metavar="PAGE")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        pack = build(Path(name) / "tiny")
        told = kill_often(Path(name), pack, photos=asked.photos, kills=asked.kills, seed=asked.seed)
    text = (
        f"{told.kills} kills while {told.photos:,} photos were indexed, over and over into "
        f"{told.libraries} libraries; an undisturbed run took {told.undisturbed:.1f} s. "
        f"{told.with_acknowledged} runs had acknowledged further photos before they were killed, "
        "each of which was there afterwards; none was there twice, every library was sound, no run "
        "did committed work again, and every library came to the state of the undisturbed one. "
        f"At most {told.most:,} photos came in by a run that was killed."
    )
    print(text)
    if asked.write:
        put(asked.write, "bench.crash", text)


if __name__ == "__main__":
    main()

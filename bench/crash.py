"""SIGKILL at random moments while indexing: is all that was acknowledged there?

    python -m bench.crash [KILLS] [PHOTOS] [--write docs/reliability.md]

Indexes PHOTOS (default 1,600) small photos with commits of five and kills the run KILLS times
(default 200), at moments from before the library is made to a quarter of a second later, or soon
after some commit. After each kill the library is checked as a whole and row by row, as
tests/library/test_indexing_crash.py says; at the end its state is compared with that of an
undisturbed run. A loss ends the command with an error.
"""

import argparse
import tempfile
import time
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
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        pack = build(Path(name) / "tiny")
        told = kill_often(Path(name), pack, photos=asked.photos, kills=asked.kills, seed=asked.seed)
    text = (
        f"{told.kills} kills while {told.photos:,} photos were indexed, in "
        f"{time.monotonic() - began:.0f} s. {told.with_acknowledged} runs had acknowledged "
        f"photos before they were killed, up to {told.acknowledged:,}: each was there afterwards, "
        "none twice, and the library was sound. The last run took the rest alone, and came to the "
        "state of an undisturbed one."
    )
    print(text)
    if asked.write:
        put(asked.write, "bench.crash", text)


if __name__ == "__main__":
    main()

"""Commands of all sorts at once on one library, a third of them killed.

Nothing that was acknowledged is lost, no photo is, and no command ends in anything but what the
others' doings explain.
"""

import json
import os
import random
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.test_main import ALBUMEN
from tests.library.albums import album

from albumen.library.home import Home
from albumen.library.store import Store

PROGRAMS, PHOTOS = 4, 40
PATIENCE = 120.0  # seconds; no command takes so long

EXPLAINED = (
    "there is no library in",  # yet
    "another albumen index is running",
    "is not in the library",  # trashed, or not indexed yet
    "is not there",
    "no such file or directory",
)
"""What a command may end with, when others moved the photo that it is about."""


class Crowd:
    """Programs that run at once; what they acknowledged, and what went wrong."""

    def __init__(self, place: Path) -> None:
        self.place, self.photos = place, album(place / "photos", PHOTOS)
        self.files = sorted(self.photos.rglob("*.jpg"))
        self.env = {**os.environ, "XDG_DATA_HOME": str(place / "data")}
        self.tags: set[str] = set()
        self.wrong: list[tuple[list[str], int, str]] = []
        self.ended = self.killed = 0

    def run(
        self, *words: str | Path, patience: float = PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; subprocess kills it (SIGKILL) when it takes longer."""
        command = [*ALBUMEN, *map(str, words)]
        return subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=patience
        )

    def be_busy(self, seconds: float, seed: int) -> None:
        """Run command after command, each chosen by chance."""
        by_chance, end = random.Random(seed), time.monotonic() + seconds
        while time.monotonic() < end:
            words = self._any_command(by_chance)
            patience = by_chance.uniform(0, 2) if by_chance.random() < 1 / 3 else PATIENCE
            try:
                done = self.run(*words, patience=patience)
            except subprocess.TimeoutExpired:
                if patience == PATIENCE:
                    raise
                self.killed += 1
                continue
            self.ended += 1
            if done.returncode not in (0, 1) and not any(why in done.stderr for why in EXPLAINED):
                self.wrong.append((words, done.returncode, done.stderr))
            elif words[:2] == ["tags", "add"] and done.returncode == 0:
                self.tags.add(words[3])

    def _any_command(self, by_chance: random.Random) -> list[str]:
        photo, other = map(str, by_chance.sample(self.files, 2))
        tag, out = f"tag-{by_chance.getrandbits(60)}", str(self.place / "decisions.json")
        return by_chance.choice(
            [
                ["index", str(self.photos)],
                ["search", "a red wall", "--all"],
                ["search", "--like", photo],
                *[["tags", "add", photo, tag]] * 4,
                ["tags", "remove", photo, "wall"],
                ["tags", "apply"],
                ["tags", "export", "--to", str(self.place / "sidecars")],
                ["duplicates"],
                ["duplicates", "decide", photo, other, "--not-duplicates"],
                ["export", out],
                ["trash", photo],
                ["trash", "restore", str(by_chance.randint(1, 20))],
                ["stats"],
                ["doctor"],
            ]
        )


@pytest.mark.parametrize("seconds", [15, pytest.param(240, marks=pytest.mark.long)])
@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_lost_and_no_photo_is(tmp_path: Path, seconds: float) -> None:
    crowd = Crowd(tmp_path)
    before = {path: path.read_bytes() for path in crowd.files}
    seed = random.SystemRandom().getrandbits(32)
    with ThreadPoolExecutor(PROGRAMS) as programs:
        list(programs.map(lambda n: crowd.be_busy(seconds, seed + n), range(PROGRAMS)))
    assert crowd.wrong == [], seed
    assert crowd.ended
    assert crowd.killed

    trashed = [entry["id"] for entry in json.loads(crowd.run("trash", "list", "--json").stdout)]
    if trashed:
        assert crowd.run("trash", "restore", *map(str, trashed)).returncode == 0
    assert {path: path.read_bytes() for path in crowd.photos.rglob("*.jpg")} == before
    assert crowd.run("index", crowd.photos).returncode == 0
    listed = {entry["tag"] for entry in json.loads(crowd.run("tags", "list", "--json").stdout)}
    assert crowd.tags <= listed, seed
    with closing(Store.open(Home(Path(os.environ["ALBUMEN_HOME"])))) as store:
        assert store.check() is None
        assert store.stats().photos == PHOTOS

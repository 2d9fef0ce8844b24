"""Whatever is done to folders of photos, in whatever order: each photo is known by its content.

A seeded person renames, moves, copies, removes, unplugs and brings back; after each step the
library agrees with the disk, and has forgotten no photo, no vector and no decision.
"""

import contextlib
import random
import shutil
from pathlib import Path

import pytest
from blake3 import blake3
from tests.library.albums import album, index

from albumen.errors import AlbumenError
from albumen.library.home import Home
from albumen.library.store import Store, pair_decisions, tags
from albumen.packs import open_pack

STEPS = 25
SEEDS = [0, 1, *(pytest.param(n, marks=pytest.mark.long) for n in range(2, 40))]


class Person:
    """Somebody who rearranges the photos of one root; `aside` is where unplugged things lie."""

    def __init__(self, root: Path, chance: random.Random):
        self.root, self.chance, self.number = root, chance, 0
        self.aside = root.with_name("aside")
        self.aside.mkdir()

    def act(self) -> str:
        """Do something at random; says what."""
        self.number += 1
        acts = [
            self.rename_a_file, self.change_case, self.move_a_folder, self.move_a_file,
            self.copy_a_file, self.remove_a_file, self.unplug_a_folder, self.plug_back,
            self.rename_the_root, self.add_files, self.swap_two, self.copy_the_root_elsewhere,
        ]  # fmt: skip
        act = self.chance.choice(acts)
        act()
        return act.__name__

    def file(self) -> Path:
        return self.chance.choice(sorted(self.root.rglob("*.*")))

    def folder(self) -> Path:
        folders = sorted(path for path in self.root.rglob("*") if path.is_dir())
        return self.chance.choice(folders or [self.root])

    def new(self, suffix: str = "") -> str:
        return f"new-{self.number}{suffix}"

    def rename_a_file(self) -> None:
        file = self.file()
        file.rename(file.with_name(self.new(".jpg")))

    def change_case(self) -> None:
        file = self.file()
        file.rename(file.with_name(file.name.swapcase()))

    def move_a_folder(self) -> None:
        folder, into = self.folder(), self.folder()
        if folder != self.root and not into.is_relative_to(folder):
            folder.rename(into / self.new())

    def move_a_file(self) -> None:
        self.file().rename(self.folder() / self.new(".jpg"))

    def copy_a_file(self) -> None:
        shutil.copy2(self.file(), self.folder() / self.new(".jpg"))

    def remove_a_file(self) -> None:
        self.file().unlink()

    def unplug_a_folder(self) -> None:
        folder = self.folder()
        if folder != self.root:
            folder.rename(self.aside / self.new())

    def plug_back(self) -> None:
        for folder in sorted(self.aside.iterdir())[:1]:
            folder.rename(self.root / self.new())

    def rename_the_root(self) -> None:
        self.root = self.root.rename(self.root.with_name(self.new("-root")))

    def add_files(self) -> None:
        album(self.root / self.new(), 2, first=1000 + 10 * self.number)

    def swap_two(self) -> None:
        one, other = self.file(), self.file()
        if one != other:
            between = one.rename(one.with_name("between"))
            other.rename(one)
            between.rename(other)

    def copy_the_root_elsewhere(self) -> None:
        copy = shutil.copytree(self.root, self.root.with_name(self.new("-copy")))
        shutil.rmtree(self.root)
        self.root = copy


Known = dict[bytes, tuple[int, bytes, tuple[str, ...], dict[int, str]]]


def known(home: Home) -> Known:
    """Every content that the library ever met: its photo, its vector, its tags, and what was
    decided of it and others.
    """
    with Store.open(home) as store:
        rows = store.db.execute(
            """SELECT p.content_hash, p.id, e.vector FROM photo p
               JOIN embedding e ON e.photo = p.id"""
        ).fetchall()
        tagged = {id: tags.of_photo(store.db, id, None) for _, id, _ in rows}
        pairs = pair_decisions.of_photos(store.db)
        decided = {
            id: {sum(pair) - id: verdict for pair, verdict in pairs.items() if id in pair}
            for _, id, _ in rows
        }
        return {
            content: (id, vector, tuple(given.tag for given in tagged[id]), decided[id])
            for content, id, vector in rows
        }


def located(home: Home) -> dict[Path, bytes]:
    """Where the library says that photos lie, and which."""
    with Store.open(home) as store:
        ids = store.candidates().tolist()
        return {
            path: store.photo(id).content_hash  # type: ignore[union-attr]
            for id, paths in store.paths(ids).items()
            for path in paths
        }


@pytest.mark.parametrize("seed", SEEDS)
def test_no_photo_and_no_decision_is_lost_however_folders_are_rearranged(
    tmp_path: Path, tiny_pack: Path, seed: int
) -> None:
    home, pack, chance = Home(tmp_path / "home"), open_pack(tiny_pack), random.Random(seed)
    person = Person(album(tmp_path / "photos", 20), chance)
    index(home, person.root, pack=pack)
    with Store.open(home) as store, store.db.transaction():
        for id in (1, 7, 13):
            tags.decide(store.db, tags.picture_of(store.db, id), f"tag {id}", has=True)
        pair_decisions.decide(store.db, pair_decisions.key_of(store.db, 1, 7), "not-duplicates")
    before = known(home)
    history = []
    for _ in range(STEPS):
        history.append(person.act())
        index(home, person.root, pack=pack)
        now = known(home)
        assert {content: now.get(content) for content in before} == before, history
        there = {path: blake3(path.read_bytes()).digest() for path in person.root.rglob("*.*")}
        told = located(home)
        assert {path: told.get(path) for path in there} == there, history
        assert {path for path in told if path.is_relative_to(person.root)} == set(there), history
        before = now
    assert sum(bool(tagged) for _, _, tagged, _ in before.values()) == 3
    assert sum(bool(decided) for *_, decided in before.values()) == 2


def test_a_root_unplugged_while_it_is_walked_loses_nothing(tmp_path: Path, tiny_pack: Path) -> None:
    home, pack = Home(tmp_path / "home"), open_pack(tiny_pack)
    root = album(tmp_path / "photos", 40)
    index(home, root, pack=pack)
    before = known(home)
    album(root / "new", 200, first=5000)

    def unplug(event: object) -> None:
        if root.exists():
            root.rename(root.with_name("unplugged"))

    with contextlib.suppress(AlbumenError):
        index(home, root, pack=pack, on_event=unplug)
    after = known(home)
    assert {content: after.get(content) for content in before} == before
    root.with_name("unplugged").rename(root)
    index(home, root, pack=pack)
    assert len(known(home)) == 240
    assert len(located(home)) == 240

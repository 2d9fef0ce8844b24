"""Roots: away, emptied, renamed, replaced, rearranged. No record of a photo is ever lost."""

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.library.albums import album, counts, events_of, files_opened, index, state

from albumen.errors import UsageError
from albumen.library.home import Home
from albumen.library.indexing import Event, Notice
from albumen.library.store import Store, pair_decisions, tags
from albumen.packs import Pack, open_pack


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def pack(tiny_pack: Path) -> Pack:
    return open_pack(tiny_pack)


@pytest.fixture
def root(tmp_path: Path, home: Home, pack: Pack) -> Path:
    """Twelve photos, indexed."""
    folder = album(tmp_path / "photos", 12)
    index(home, folder, pack=pack)
    return folder


def contents(home: Home) -> list[tuple[bytes, bytes]]:
    """Content hashes and vectors of all photos that the library knows, wherever they are."""
    with Store.open(home) as store:
        return list(
            store.db.execute(
                """SELECT content_hash, vector FROM photo LEFT JOIN embedding
                   ON embedding.photo = photo.id ORDER BY 1"""
            )
        )


def test_a_root_that_is_away_loses_nothing(home: Home, root: Path, pack: Pack) -> None:
    whole = state(home)
    root.rename(root.with_name("unplugged"))
    with pytest.raises(UsageError, match="connect the disk"):
        index(home, root, pack=pack)
    assert state(home) == whole


def test_a_root_suddenly_empty_loses_nothing_and_is_told(
    home: Home, root: Path, pack: Pack
) -> None:
    whole = state(home)
    aside = root.rename(root.with_name("unplugged"))
    root.mkdir()  # the mount point without its disk
    events: list[Event] = []
    assert counts(index(home, root, pack=pack, on_event=events.append)) == {}
    assert "12" in events_of(Notice, events)[0].message
    assert state(home) == whole
    root.rmdir()
    aside.rename(root)
    assert counts(index(home, root, pack=pack)) == {"unchanged": 12}


def test_a_root_whose_pictures_all_went_loses_nothing(home: Home, root: Path, pack: Pack) -> None:
    whole = state(home)
    for photo in root.rglob("*.jpg"):
        photo.unlink()
    (root / "desktop.ini").write_text("left behind")
    assert counts(index(home, root, pack=pack)) == {"skipped": 1}
    assert [row for row in state(home) if row[4]] == whole


def test_a_renamed_root_is_found_again_without_reading(home: Home, root: Path, pack: Pack) -> None:
    before = contents(home)
    renamed = root.rename(root.with_name("pictures"))
    with files_opened(renamed) as opened:
        assert counts(index(home, renamed, pack=pack)) == {"moved": 12}
    assert opened == []
    assert contents(home) == before
    with Store.open(home) as store:
        [known] = store.roots()
        assert known.path == renamed
        assert all(path.exists() for paths in store.paths(range(1, 13)).values() for path in paths)
    assert counts(index(home, renamed, pack=pack)) == {"unchanged": 12}


def test_a_root_moved_to_another_disk_is_known_by_its_content(
    home: Home, root: Path, pack: Pack
) -> None:
    before = contents(home)
    elsewhere = shutil.copytree(root, root.with_name("other-disk"))  # other inodes
    shutil.rmtree(root)
    assert counts(index(home, elsewhere, pack=pack)) == {"moved": 12}
    assert contents(home) == before
    with Store.open(home) as store:
        assert all(len(paths) == 1 for paths in store.paths(range(1, 13)).values())


def test_another_folder_in_a_root_s_place_hides_its_photos_until_it_returns(
    home: Home, root: Path, pack: Pack
) -> None:
    whole = state(home)
    aside = root.rename(root.with_name("first-stick"))
    album(root, 5, first=100)
    events: list[Event] = []
    assert counts(index(home, root, pack=pack, on_event=events.append)) == {"indexed": 5}
    assert "kept until it comes back" in events_of(Notice, events)[0].message
    with Store.open(home) as store:
        assert len(store.candidates()) == 5
    assert len(contents(home)) == 17
    second = root.rename(root.with_name("second-stick"))
    aside.rename(root)
    with files_opened(root) as opened:
        assert counts(index(home, root, pack=pack)) == {"unchanged": 12}
    assert opened == []
    assert state(home) == whole
    assert second.exists()


def test_a_restored_copy_in_a_root_s_place_is_that_root(home: Home, root: Path, pack: Pack) -> None:
    whole = state(home)
    backup = shutil.copytree(root, root.with_name("backup"))
    shutil.rmtree(root)
    backup.rename(root)
    (root / "photo-00000.jpg").unlink()
    assert counts(index(home, root, pack=pack)) == {"unchanged": 11, "removed": 1}
    assert len(contents(home)) == 12
    assert len(state(home)) == len(whole) - 1


def test_a_folder_moved_inside_a_root_keeps_its_photos(home: Home, root: Path, pack: Pack) -> None:
    before = contents(home)
    (root / "more-0").rename(root / "trip")
    assert counts(index(home, root, pack=pack)) == {"unchanged": 11, "moved": 1}
    assert contents(home) == before


def test_names_that_change_in_case_only_are_moves(home: Home, root: Path, pack: Pack) -> None:
    before = contents(home)
    (root / "photo-00000.jpg").rename(root / "PHOTO-00000.JPG")
    assert counts(index(home, root, pack=pack)) == {"unchanged": 11, "moved": 1}
    assert contents(home) == before


def unmounted_and_back(root: Path, look: Callable[[Path], None]) -> Path:
    aside = root.rename(root.with_name("unplugged"))
    with contextlib.suppress(UsageError):
        look(root)
    return aside.rename(root)


def emptied_and_filled(root: Path, look: Callable[[Path], None]) -> Path:
    aside = root.rename(root.with_name("unplugged"))
    root.mkdir()
    look(root)
    root.rmdir()
    return aside.rename(root)


def renamed(root: Path, look: Callable[[Path], None]) -> Path:
    return root.rename(root.with_name("pictures"))


def replaced_and_back(root: Path, look: Callable[[Path], None]) -> Path:
    aside = root.rename(root.with_name("first-stick"))
    album(root, 5, first=100)
    look(root)
    root.rename(root.with_name("second-stick"))
    return aside.rename(root)


def on_another_disk(root: Path, look: Callable[[Path], None]) -> Path:
    elsewhere = shutil.copytree(root, root.with_name("other-disk"))
    shutil.rmtree(root)
    return elsewhere


def a_folder_moved_inside(root: Path, look: Callable[[Path], None]) -> Path:
    (root / "more-0").rename(root / "trip")
    return root


def case_changed(root: Path, look: Callable[[Path], None]) -> Path:
    for photo in sorted(root.glob("*.jpg")):
        photo.rename(photo.with_name(photo.name.upper()))
    return root


@pytest.mark.parametrize(
    "happens",
    [
        unmounted_and_back, emptied_and_filled, renamed, replaced_and_back, on_another_disk,
        a_folder_moved_inside, case_changed,
    ],
)  # fmt: skip
def test_decisions_follow_their_photos(
    home: Home, root: Path, pack: Pack, happens: Callable[[Path, Callable[[Path], None]], Path]
) -> None:
    def look(folder: Path) -> None:
        index(home, folder, pack=pack)

    photos = [next(root.rglob(f"photo-{number:05}.jpg")) for number in (1, 9)]
    contents = {photo.read_bytes() for photo in photos}
    with Store.open(home) as store, store.db.transaction():
        one, other = (store.photo_by_path(photo).id for photo in photos)
        for id in (one, other):
            tags.decide(store.db, tags.picture_of(store.db, id), "Rosie", has=True)
        key = pair_decisions.key_of(store.db, one, other)
        pair_decisions.decide(store.db, key, "not-duplicates")
    look(happens(root, look))
    with Store.open(home) as store:
        tagged = tags.photos_with(store.db, "Rosie", None).tolist()
        [((first, second), verdict)] = pair_decisions.of_photos(store.db).items()
        assert (sorted(tagged), verdict) == ([first, second], "not-duplicates")
        found = [path for paths in store.paths(tagged).values() for path in paths]
    assert {path.read_bytes() for path in found if path.exists()} == contents


def test_a_photo_moved_to_another_root_is_a_move(
    home: Home, root: Path, pack: Pack, tmp_path: Path
) -> None:
    other = album(tmp_path / "other", 2, first=50)
    index(home, other, pack=pack)
    (root / "photo-00000.jpg").rename(other / "here.jpg")
    assert counts(index(home, root, other, pack=pack)) == {"unchanged": 13, "moved": 1}
    assert len(contents(home)) == 14


def test_a_folder_that_cannot_be_read_removes_nothing(home: Home, root: Path, pack: Pack) -> None:
    from tests.library.test_home import as_nobody

    for folder in (root, *root.parents[:3]):
        folder.chmod(0o755)
    open_home = Home(root.parent / "nobody" / "home")
    open_home.path.parent.mkdir(mode=0o777)
    open_home.path.parent.chmod(0o777)
    with as_nobody():
        index(open_home, root, pack=pack)
    (root / "more-0").chmod(0)
    with as_nobody():
        assert counts(index(open_home, root, pack=pack)) == {"unchanged": 11, "failed": 1}
        with Store.open(open_home) as store:
            assert len(store.candidates()) == 12
            assert [problem.path.name for problem in store.problems()] == ["more-0"]
    (root / "more-0").chmod(0o755)
    with as_nobody():
        assert counts(index(open_home, root, pack=pack)) == {"unchanged": 12}
        with Store.open(open_home) as store:
            assert list(store.problems()) == []


def test_roots_inside_one_another_hold_each_file_once(
    home: Home, root: Path, pack: Pack, tmp_path: Path
) -> None:
    index(home, root / "more-0", pack=pack)
    (tmp_path / "around").mkdir()
    inside = root.rename(tmp_path / "around" / "photos")
    index(home, inside, pack=pack)
    assert counts(index(home, tmp_path / "around", pack=pack)) == {"unchanged": 12}
    with Store.open(home) as store:
        assert [known.path for known in store.roots()] == [tmp_path / "around"]
        assert store.stats().locations == 12


def test_a_loop_of_links_ends(home: Home, root: Path, pack: Pack) -> None:
    os.symlink(root, root / "more-0" / "loop")
    assert counts(index(home, root, pack=pack)) == {"unchanged": 12}


def test_a_link_that_lost_its_photo_is_told_and_the_photo_is_gone(
    home: Home, root: Path, pack: Pack, tmp_path: Path
) -> None:
    target = album(tmp_path / "elsewhere", 1, first=70) / "photo-00070.jpg"
    (root / "link.jpg").symlink_to(target)
    assert counts(index(home, root, pack=pack)) == {"indexed": 1, "unchanged": 12}
    target.unlink()
    expected = {"unchanged": 12, "failed": 1}
    assert counts(index(home, root, pack=pack)) == {**expected, "removed": 1}
    assert counts(index(home, root, pack=pack)) == expected
    with Store.open(home) as store:
        assert len(store.candidates()) == 12
        assert [problem.path.name for problem in store.problems()] == ["link.jpg"]
    assert len(contents(home)) == 13

"""Whose copy a photo is: groups without chains, decisions that last, new photos placed alone."""

from pathlib import Path

import pytest
from PIL import Image, ImageOps
from tests.duplicates.albums import crop, groups, photo, save, sent, take_in

from albumen import duplicates
from albumen.library.home import Home
from albumen.library.store import Store


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "photos"


@pytest.fixture
def cat(sample_photos: Path) -> Image.Image:
    return photo(sample_photos, "chelsea.png")


def test_copies_are_one_group_and_other_photos_none(
    home: Home, folder: Path, cat: Image.Image, sample_photos: Path
) -> None:
    save(cat, folder / "cat.png")
    save(sent(cat), folder / "sent.jpg")
    save(ImageOps.mirror(cat), folder / "mirrored.jpg")
    save(crop(cat, 0.1, 0.1, 0.95, 0.9), folder / "crop.jpg")
    save(ImageOps.expand(cat, 30, (255, 255, 255)), folder / "framed.jpg")
    save(photo(sample_photos, "coffee.png"), folder / "coffee.png")
    save(photo(sample_photos, "astronaut.png"), folder / "astronaut.png")
    take_in(home, folder)
    [group] = groups(home)
    assert sorted(group) == ["cat.png", "crop.jpg", "framed.jpg", "mirrored.jpg", "sent.jpg"]


def test_two_halves_of_a_photo_are_not_copies_of_each_other(
    home: Home, folder: Path, sample_photos: Path
) -> None:
    """A~B and B~C, but A and C show nothing in common."""
    whole = photo(sample_photos, "astronaut.png")
    save(whole, folder / "whole.png")
    save(crop(whole, 0, 0, 1, 0.5), folder / "above.png")
    save(crop(whole, 0, 0.5, 1, 1), folder / "below.png")
    take_in(home, folder)
    assert not any({"above.png", "below.png"} <= set(group) for group in groups(home))


def test_a_new_photo_joins_without_touching_the_others(
    home: Home, folder: Path, cat: Image.Image, sample_photos: Path
) -> None:
    save(cat, folder / "cat.png")
    save(sent(cat), folder / "sent.jpg")
    save(photo(sample_photos, "coffee.png"), folder / "coffee.png")
    fingerprint = take_in(home, folder)
    with Store.open(home) as store:
        before = store.db.execute("SELECT * FROM copy ORDER BY photo").fetchall()
        save(crop(cat, 0, 0, 0.8, 0.8), folder / "crop.png")
    take_in(home, folder)
    with Store.open(home) as store:
        after = store.db.execute("SELECT * FROM copy ORDER BY photo").fetchall()
        assert after[: len(before)] == before
        assert len(after) == len(before) + 1
        assert duplicates.place(store, fingerprint.id) == 0
    assert groups(home) == [["cat.png", "crop.png", "sent.jpg"]]


def test_the_original_found_later_takes_the_lead(
    home: Home, folder: Path, cat: Image.Image
) -> None:
    save(crop(cat, 0, 0, 0.8, 0.8), folder / "crop.jpg")
    save(sent(crop(cat, 0.05, 0, 0.8, 0.75)), folder / "sent.jpg")
    take_in(home, folder)
    save(cat, folder / "original.png")
    take_in(home, folder)
    [group] = groups(home)
    assert set(group) == {"crop.jpg", "sent.jpg", "original.png"}
    with Store.open(home) as store:
        leaders = {row[0] for row in store.db.execute("SELECT leader FROM copy")}
        original = store.photo_by_path(folder / "original.png")
    assert original is not None
    assert leaders == {original.id}


def test_two_exposures_of_one_camera_are_a_moment_and_no_copies(
    home: Home, folder: Path, cat: Image.Image
) -> None:
    save(cat, folder / "first.jpg", taken="2024:05:01 10:20:30")
    save(crop(cat, 0.01, 0.01, 1, 1), folder / "second.jpg", taken="2024:05:01 10:20:31")
    take_in(home, folder)
    assert groups(home) == []
    assert groups(home, ["same-moment"]) == [["first.jpg", "second.jpg"]]


def test_an_edited_copy_keeps_its_time_and_is_found(
    home: Home, folder: Path, cat: Image.Image
) -> None:
    save(cat, folder / "first.jpg", taken="2024:05:01 10:20:30")
    save(sent(cat), folder / "edited.jpg", taken="2024:05:01 10:20:30")
    take_in(home, folder)
    assert groups(home) == [["first.jpg", "edited.jpg"]]


@pytest.mark.parametrize("verdict", ["not-duplicates", "keep-both"])
def test_a_decision_holds_after_the_folder_moved_and_was_indexed_anew(
    home: Home, folder: Path, tmp_path: Path, cat: Image.Image, verdict: str
) -> None:
    one = save(cat, folder / "cat.jpg")
    other = save(sent(cat), folder / "sent.jpg")
    fingerprint = take_in(home, folder)
    assert groups(home) == [["cat.jpg", "sent.jpg"]]
    with Store.open(home) as store:
        duplicates.decide(store, other, one, verdict)
        duplicates.place(store, fingerprint.id)
    assert groups(home) == []
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    with (moved / "cat.jpg").open("ab") as file:
        file.write(b"a note behind the picture")
    take_in(home, moved)
    assert groups(home) == []


def test_what_was_decided_of_a_pair_leaves_its_other_copies_together(
    home: Home, folder: Path, cat: Image.Image
) -> None:
    one = save(cat, folder / "cat.png")
    other = save(sent(cat), folder / "sent.jpg")
    save(ImageOps.mirror(cat), folder / "mirrored.png")
    fingerprint = take_in(home, folder)
    with Store.open(home) as store:
        duplicates.decide(store, one, other, "not-duplicates")
        duplicates.place(store, fingerprint.id)
    assert groups(home) == [["cat.png", "mirrored.png"]]


def test_a_photo_that_is_gone_is_in_no_group(home: Home, folder: Path, cat: Image.Image) -> None:
    save(cat, folder / "cat.png")
    save(sent(cat), folder / "sent.jpg")
    save(ImageOps.mirror(cat), folder / "mirrored.jpg")
    take_in(home, folder)
    (folder / "cat.png").unlink()
    take_in(home, folder)
    assert groups(home) == [["mirrored.jpg", "sent.jpg"]]


def test_identical_files_are_in_their_groups_of_both_levels(
    home: Home, folder: Path, cat: Image.Image
) -> None:
    save(cat, folder / "a.png")
    save(sent(cat), folder / "sent.jpg")
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes())
    take_in(home, folder)
    assert groups(home, ["identical"]) == [["a.png", "b.png"]]
    assert groups(home) == [["a.png", "b.png", "sent.jpg"]]


def test_photos_of_a_format_without_image_data_of_its_own_are_not_identical_for_that(
    home: Home, folder: Path, cat: Image.Image, sample_photos: Path
) -> None:
    save(cat, folder / "cat.bmp")
    save(cat, folder / "again.bmp")
    save(photo(sample_photos, "coffee.png"), folder / "coffee.bmp")
    save(photo(sample_photos, "rocket.jpg"), folder / "rocket.tiff")
    take_in(home, folder)
    assert groups(home, ("identical",)) == [["again.bmp", "cat.bmp"]]

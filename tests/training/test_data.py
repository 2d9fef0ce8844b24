"""Labelled pictures: read once, left out by name, refused where they would teach nonsense."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.evaluation.shard import jpeg, row, write
from tests.training.pets import build

from albumen.errors import UsageError
from albumen.training import data

SIDE = 24


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return build(tmp_path / "pets", each=4)


def read(place: Path, **more: object) -> data.Labelled:
    return data.read(place, SIDE, place.parent / "read", "train", **more)


def shard(place: Path, *rows: tuple[str, str | None, int | None]) -> Path:
    """Plain pictures, each of another grey, with label and class number."""
    made = []
    for place_of, (key, label, number) in enumerate(rows):
        name, parts = row(key, jpeg((9 * place_of, 90, 30)), label=label)
        made.append((name, parts if number is None else parts | {"cls": b"%d" % number}))
    return write(place, made)


def test_each_folder_is_a_class_and_each_row_its_pictures_centre_square(pets: Path) -> None:
    found = read(pets)
    assert found.classes == ("cat", "coffee")
    assert found.pixels.shape == (8, SIDE, SIDE, 3)
    assert found.labels.tolist() == [0] * 4 + [1] * 4
    assert found.names[:2] == ("cat/0.png", "cat/1.png")
    photo = Image.open(pets / "cat/0.png").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    assert np.abs(found.pixels[0].astype(int) - np.asarray(photo)).mean() < 3


def test_what_was_decoded_is_not_decoded_again_until_a_file_changes(pets: Path) -> None:
    told = []
    for _ in range(2):
        read(pets, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(8, 8)]
    shutil.copy(pets / "cat/0.png", pets / "cat/new.png")
    read(pets, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(8, 8), (9, 9)]


def test_a_class_of_which_no_picture_can_be_read_is_refused(pets: Path) -> None:
    (pets / "dog").mkdir()
    (pets / "dog/a.jpg").write_bytes(b"")
    with pytest.raises(
        UsageError, match=r"of the folder .*dog could be read .dog/a\.jpg: the file"
    ):
        read(pets)


def test_a_class_whose_every_picture_has_another_label_too_is_refused(pets: Path) -> None:
    (pets / "dog").mkdir()
    shutil.copy(pets / "cat/0.png", pets / "dog/0.png")
    with pytest.raises(UsageError, match="every picture of 'dog' is under another label too"):
        read(pets)


def test_a_broken_picture_is_left_out_by_name(pets: Path) -> None:
    whole = (pets / "cat/2.png").read_bytes()
    (pets / "cat/2.png").write_bytes(whole[: len(whole) // 2])
    found = read(pets)
    assert len(found.rows) == 7
    (skip,) = found.skipped
    assert skip.name == "cat/2.png"
    assert "truncated" in skip.reason


def test_an_empty_class_folder_is_an_error_that_names_it(pets: Path) -> None:
    (pets / "zebra").mkdir()
    with pytest.raises(UsageError, match=r"the folder .*zebra holds no picture; fill it, or"):
        read(pets)


def test_one_class_is_no_task(pets: Path, tmp_path: Path) -> None:
    shutil.rmtree(pets / "coffee")
    with pytest.raises(UsageError, match="one class only, cat"):
        read(pets)
    with pytest.raises(UsageError, match="one class only, dog"):
        read(shard(tmp_path / "a.tar", ("a", "dog", None), ("b", "dog", None)))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("a", "cat", 0), ("b", "dog", 0)], "class 0 is 'cat' in a.tar:a and 'dog' in a.tar:b"),
        ([("a", "cat", 0), ("b", "cat", 1)], "'cat' is class 0 in a.tar:a and 1 in a.tar:b"),
    ],
)
def test_labels_that_disagree_are_an_error_that_names_both(
    tmp_path: Path, rows: list, told: str
) -> None:
    with pytest.raises(UsageError, match=f"labels disagree: {told}"):
        read(shard(tmp_path / "a.tar", *rows))


def test_classes_of_shards_keep_the_order_of_their_numbers(tmp_path: Path) -> None:
    rows = [("a", "zebra", 0), ("b", "ape", 1), ("c", "zebra", 0), ("d", None, None)]
    found = read(shard(tmp_path / "a.tar", *rows))
    assert found.classes == ("zebra", "ape")
    assert found.labels[found.rows].tolist() == [0, 1, 0]
    assert [skip.reason for skip in found.skipped] == ["has no label"]


def test_the_same_picture_under_two_labels_is_left_out_of_both(pets: Path) -> None:
    shutil.copy(pets / "cat/1.png", pets / "coffee/also.png")
    shutil.copy(pets / "cat/3.png", pets / "cat/copy.png")
    found = read(pets)
    used = {found.names[at] for at in found.rows}
    assert {"cat/1.png", "coffee/also.png", "cat/copy.png"}.isdisjoint(used)
    assert "cat/3.png" in used
    reasons = {skip.name: skip.reason for skip in found.skipped}
    assert "under 'cat' and 'coffee': labels disagree" in reasons["cat/1.png"]
    assert reasons["cat/copy.png"] == "is a copy of cat/3.png"


def test_pictures_to_judge_by_must_be_of_known_classes(pets: Path) -> None:
    with pytest.raises(UsageError, match="has the class 'coffee', which the pictures to train"):
        read(pets, classes=("cat", "dog"))


def test_of_each_class_the_same_share_is_held_out_whatever_the_order() -> None:
    labels = np.repeat([0, 1], [20, 10])
    digests = [f"{(7 * i) % 31:02x}" for i in range(30)]
    train, test = data.held_out(digests, labels, 0.2)
    assert np.bincount(labels[test]).tolist() == [4, 2]
    assert sorted([*train, *test]) == list(range(30))
    order = np.random.default_rng(0).permutation(30)
    _, again = data.held_out([digests[i] for i in order], labels[order], 0.2)
    assert {digests[i] for i in test} == {digests[order[i]] for i in again}


def test_folders_named_train_and_test_are_taken_as_such(tmp_path: Path) -> None:
    for name in ("train", "test"):
        build(tmp_path / name, each=1)
    assert data.split(tmp_path) == (tmp_path / "train", tmp_path / "test")
    assert data.split(tmp_path / "train") == (tmp_path / "train", None)

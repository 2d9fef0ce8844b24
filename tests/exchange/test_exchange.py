"""Export and import: what a person decided comes back, by content, whole or not at all."""

import json
import os
from pathlib import Path

import pytest
from tests.library.albums import album, index, jpeg

from albumen.exchange import ExportError, Imported, export, read, take, write
from albumen.library.home import Home
from albumen.library.store import Store, pair_decisions, tags
from albumen.tags import vocabulary

LONG_AGO, LATER = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
TAGS = ("Rosie", "Grandma’s 80th", "🏖️ Ostsee", "שבת")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return album(tmp_path / "photos", 4)


@pytest.fixture
def store(photos: Path, tmp_path: Path) -> Store:
    """A library with four tags on one photo, one denied of another, and two decided pairs."""
    home = Home(tmp_path / "home")
    index(home, photos)
    store = Store.open(home)
    with store.db.transaction():
        for name in TAGS:
            tags.decide(store.db, picture(store, photos, 0), name, has=True)
        tags.decide(store.db, picture(store, photos, 1), "beach", has=False)
        decide_pair(store, photos, 0, 1, "not-duplicates")
        decide_pair(store, photos, 2, 3, "keep-both")
    return store


@pytest.fixture
def new(tmp_path: Path) -> Store:
    return Store.open(Home(tmp_path / "new"), create=True)


def picture(store: Store, photos: Path, number: int) -> bytes:
    known = store.photo_by_path(photos / f"photo-0000{number}.jpg")
    assert known is not None
    assert known.image_hash is not None
    return known.image_hash


def decide_pair(store: Store, photos: Path, one: int, other: int, verdict: str) -> None:
    first, second = sorted((picture(store, photos, one), picture(store, photos, other)))
    pair_decisions.decide(store.db, (first, second), verdict)  # type: ignore[arg-type]


def decisions(store: Store) -> list[object]:
    """All that is exported of a library."""
    words = store.setting("vocabulary")
    return [*tags.decisions(store.db), *pair_decisions.all_decisions(store.db), words]


def text_of(store: Store) -> str:
    parts: list[str] = []
    write(store, parts.append)
    return "".join(parts)


def test_what_was_decided_comes_back_in_a_new_library(
    store: Store, new: Store, tmp_path: Path
) -> None:
    vocabulary.keep(store, vocabulary.parse("[people]\nRosie\nsea lion = a seal; a sea lion\n"))
    export(store, tmp_path / "decisions.json")
    document = read(tmp_path / "decisions.json")
    assert take(new, document) == Imported(tags=5, pairs=2, vocabulary="taken", waiting=4)
    assert decisions(new) == decisions(store)


def test_it_counts_once_the_photos_are_indexed(
    store: Store, new: Store, photos: Path, tmp_path: Path
) -> None:
    export(store, tmp_path / "decisions.json")
    take(new, read(tmp_path / "decisions.json"))
    index(new.home, photos)
    known = new.photo_by_path(photos / "photo-00000.jpg")
    assert known is not None
    assert {one.tag for one in tags.of_photo(new.db, known.id, None)} == set(TAGS)
    assert len(pair_decisions.of_photos(new.db)) == 2


def test_a_person_can_read_it(store: Store, photos: Path, tmp_path: Path) -> None:
    done = export(store, tmp_path / "decisions.json")
    assert (done.tags, done.pictures, done.pairs) == (5, 2, 2)
    text = (tmp_path / "decisions.json").read_text("utf-8")
    [line] = [line for line in text.splitlines() if "Rosie" in line]
    assert "🏖️ Ostsee" in line
    assert str(photos / "photo-00000.jpg") in line
    shown = json.loads(text)
    assert (shown["format"], shown["version"], shown["vocabulary"]) == ("albumen export", 1, None)


def test_an_empty_library_gives_an_empty_export(new: Store, tmp_path: Path) -> None:
    export(new, tmp_path / "decisions.json")
    document = read(tmp_path / "decisions.json")
    assert (document.tags, document.pairs, document.vocabulary) == ((), (), None)
    assert take(new, document) == Imported(0, 0, "same", 0)


def test_a_path_that_is_no_utf_8_does_no_harm(store: Store, photos: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"\xff\n.jpg")
    (photos / "photo-00000.jpg").rename(photos / odd)
    index(store.home, photos)
    export(store, tmp_path / "decisions.json")
    paths = [one.path for one in read(tmp_path / "decisions.json").tags]
    assert str(photos / odd) in paths


def test_in_ascii_it_says_the_same(store: Store) -> None:
    parts: list[str] = []
    write(store, parts.append, ascii=True)
    assert "".join(parts).isascii()
    plain, escaped = json.loads(text_of(store)), json.loads("".join(parts))
    assert {**plain, "exported": ""} == {**escaped, "exported": ""}


# Of two decisions the later counts


@pytest.mark.parametrize(("at", "counts"), [(LONG_AGO, False), (LATER, True)])
def test_of_two_words_about_a_tag_the_later_counts(
    store: Store, photos: Path, tmp_path: Path, at: str, counts: bool
) -> None:
    rosie = {"tag": "ROSIE", "has": False, "at": at}
    said = {"picture": picture(store, photos, 0).hex(), "tags": [rosie]}
    done = take(store, read(written(tmp_path, tags=[said])))
    assert done.tags == counts
    [one] = [one for one in tags.decisions(store.db) if one.tag == "Rosie"]
    assert one.has is not counts


@pytest.mark.parametrize(("at", "verdict"), [(LONG_AGO, "keep-both"), (LATER, "not-duplicates")])
def test_of_two_decisions_about_a_pair_the_later_counts(
    store: Store, photos: Path, tmp_path: Path, at: str, verdict: str
) -> None:
    pair = {
        "first": picture(store, photos, 2).hex(),
        "second": picture(store, photos, 3).hex(),
        "verdict": "not-duplicates",
        "at": at,
    }
    take(store, read(written(tmp_path, pairs=[pair])))
    verdicts = {
        (one.first, one.second): one.verdict for one in pair_decisions.all_decisions(store.db)
    }
    key = tuple(sorted((picture(store, photos, 2), picture(store, photos, 3))))
    assert verdicts[key] == verdict  # type: ignore[index]


def test_an_import_twice_changes_nothing_more(store: Store, new: Store, tmp_path: Path) -> None:
    export(store, tmp_path / "decisions.json")
    take(new, read(tmp_path / "decisions.json"))
    before = decisions(new)
    done = take(new, read(tmp_path / "decisions.json"))
    assert (done.tags, done.pairs) == (0, 0)
    assert decisions(new) == before


def test_a_vocabulary_of_ones_own_stays(new: Store, tmp_path: Path) -> None:
    vocabulary.keep(new, vocabulary.parse("mine"))
    document = read(written(tmp_path, vocabulary=["theirs"]))
    assert take(new, document).vocabulary == "kept"
    assert vocabulary.of(new) == vocabulary.parse("mine")
    assert take(new, document, replace_vocabulary=True).vocabulary == "taken"
    assert vocabulary.of(new) == vocabulary.parse("theirs")


def test_a_vocabulary_that_cannot_be_read_may_be_replaced(new: Store, tmp_path: Path) -> None:
    new.set_setting("vocabulary", "[]\n")
    document = read(written(tmp_path, vocabulary=["theirs"]))
    assert take(new, document).vocabulary == "kept"
    assert new.setting("vocabulary") == "[]\n"
    assert take(new, document, replace_vocabulary=True).vocabulary == "taken"
    assert vocabulary.of(new) == vocabulary.parse("theirs")


# What is no export


def written(folder: Path, **parts: object) -> Path:
    """A file that says this, and nothing else."""
    whole = {
        "format": "albumen export",
        "version": 1,
        "exported": LONG_AGO,
        "vocabulary": None,
        "tags": [],
        "pairs": [],
    }
    file = folder / "import.json"
    file.write_text(json.dumps(whole | parts))
    return file


HASH = "ab" * 32
SAID = {"tag": "a", "has": True, "at": LONG_AGO}
PAIR = {"first": HASH, "second": "cd" * 32, "verdict": "keep-both", "at": LONG_AGO}


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"format": "other"}, "no export of Albumen"),
        ({"version": 2}, "written by a newer Albumen .version 2.*update Albumen"),
        ({"version": "1"}, r"\$\.version is not a whole number"),
        ({"tags": {}}, r"\$\.tags is not"),
        ({"tags": [{"picture": "ab", "tags": []}]}, r"\$\.tags\[0\]: 'ab' is no hash"),
        ({"tags": [{"picture": HASH, "tags": [{**SAID, "has": 1}]}]}, r"tags\[0\]\.has is not"),
        ({"tags": [{"picture": HASH, "tags": [{**SAID, "at": "now"}]}]}, "'now' is no time"),
        ({"tags": [{"picture": HASH, "tags": [{**SAID, "tag": " \n"}]}]}, "a tag needs at least"),
        ({"tags": [{"picture": HASH, "tags": [{**SAID, "tag": "x" * 999}]}]}, "longer than 200"),
        ({"pairs": [{**PAIR, "verdict": "burn"}]}, "verdict is not one of"),
        ({"pairs": [{**PAIR, "second": HASH}]}, "a pair needs two pictures"),
        ({"vocabulary": ["dog", "[]"]}, "line 2 of the vocabulary"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_export_changes_nothing(
    store: Store, photos: Path, tmp_path: Path, parts: dict[str, object], reason: str
) -> None:
    good = {"picture": HASH, "tags": [SAID]}
    parts = {"tags": [good], **parts}
    before = decisions(store)
    with pytest.raises(ExportError, match=reason):
        take(store, read(written(tmp_path, **parts)))
    assert decisions(store) == before


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        jpeg(1),
        b"[" * 100_000,
        b'{"format": "albumen export"',
    ],
    ids=lambda data: repr(data[:12]),
)
def test_a_file_that_is_none_gives_a_reason(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(ExportError, match="no export of Albumen"):
        read(tmp_path / "file")


def test_an_export_that_was_cut_short_is_refused(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "decisions.json"
    export(store, file)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ExportError, match="cut short"):
        read(file)


# The file that is written


def test_an_older_export_is_replaced(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "decisions.json"
    export(store, file)
    file.write_bytes(file.read_bytes()[:-20])
    export(store, file)
    assert len(read(file).tags) == 2
    assert list(tmp_path.glob("decisions*")) == [file]


def test_a_photo_is_not_written_over(store: Store, photos: Path, tmp_path: Path) -> None:
    photo = photos / "photo-00000.jpg"
    before = photo.read_bytes()
    (tmp_path / "link").symlink_to("nowhere")
    for file in (photo, photos, tmp_path / "link"):
        with pytest.raises(ExportError, match="is no export of Albumen; choose another name"):
            export(store, file)
    assert photo.read_bytes() == before


def test_a_write_that_fails_leaves_the_older_export(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "decisions.json"
    export(store, file)
    before = file.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        export(store, file)
    assert file.read_bytes() == before
    assert list(tmp_path.glob("decisions*")) == [file]

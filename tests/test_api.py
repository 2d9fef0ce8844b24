"""`albumen.Library`: the main job for programs."""

import datetime
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import albumen
from albumen import AlbumenError, Library, UsageError
from albumen.library.events import Committed, Progress


@pytest.fixture
def home(tmp_path: Path, tiny_pack: Path) -> Path:
    shutil.copytree(tiny_pack, tmp_path / "home/packs/tiny")
    return tmp_path / "home"


@pytest.fixture
def photos(tmp_path: Path, sample_photos: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("chelsea.png", "coffee.png", "rocket.jpg"):
        shutil.copy(sample_photos / name, folder)
    return folder


@pytest.fixture
def library(home: Path, photos: Path):
    with Library(home, "tiny") as library:
        library.index(photos)
        yield library


def test_index_returns_the_counts_and_tells_of_its_progress(home: Path, photos: Path) -> None:
    events = []
    with Library(home, "tiny") as library:
        summary = library.index(photos, progress=events.append)
    assert (summary.indexed, summary.failed) == (3, 0)
    assert [e for e in events if isinstance(e, Committed)][-1].photos == 3
    assert [e for e in events if isinstance(e, Progress)][-1].found == 3


def test_search_by_words_ranks_every_photo(library: Library) -> None:
    results = library.search("a cat")
    assert [result.rank for result in results] == [1, 2, 3]
    assert all(a.score >= b.score for a, b in zip(results, results[1:], strict=False))
    assert all(isinstance(result.path, Path) and result.path.exists() for result in results)


def test_search_by_example_finds_the_example(library: Library, photos: Path) -> None:
    assert library.search(like=photos / "coffee.png", limit=1)[0].path == photos / "coffee.png"


def test_arguments_may_be_one_or_several(library: Library, photos: Path) -> None:
    one = library.search("a cat", like=photos / "coffee.png", without="people")
    several = library.search(["a cat"], like=[str(photos / "coffee.png")], without=["people"])
    assert one == several


def test_days_may_be_text_or_dates(library: Library) -> None:
    as_text = library.search("a cat", after="1990", before="2090-05")
    as_dates = library.search(
        "a cat", after=datetime.date(1990, 1, 1), before=datetime.date(2090, 5, 1)
    )
    assert as_text == as_dates
    assert len(as_text) == 3
    assert library.search("a cat", before="1990") == []


def test_before_leaves_out_its_day(library: Library, photos: Path) -> None:
    (photo, *_) = library.photos()
    day = datetime.date.fromisoformat(photo.metadata.taken[:10])
    ids = [found.id for found in library.photos(before=day)]
    assert photo.id not in ids
    assert photo.id in [found.id for found in library.photos(before=day + datetime.timedelta(1))]
    assert photo.id in [found.id for found in library.photos(after=day)]
    assert photo.id not in [result.photo for result in library.search("a cat", before=day)]


def test_photos_gives_the_records(library: Library, photos: Path) -> None:
    formats = sorted(photo.format for photo in library.photos(under=photos))
    assert formats == ["JPEG", "PNG", "PNG"]


def test_a_photo_without_a_place_is_no_longer_found(library: Library, photos: Path) -> None:
    (photos / "coffee.png").unlink()
    assert library.index(photos).removed == 1
    assert len(library.search("a cat")) == 2
    assert len(list(library.photos())) == 2


def test_a_photo_that_comes_back_is_found_again(library: Library, photos: Path) -> None:
    (photos / "coffee.png").rename(photos.parent / "coffee.png")
    library.index(photos)
    (photos.parent / "coffee.png").rename(photos / "coffee.png")
    library.index(photos)
    assert len(library.search("a cat")) == 3


def test_the_pack_first_used_stays_in_use(library: Library, home: Path) -> None:
    with Library(home) as again:
        assert again.pack.name == "tiny"


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    with Library(tmp_path / "none") as library, pytest.raises(AlbumenError, match="albumen index"):
        library.search("a cat")
    assert not (tmp_path / "none").exists()


def test_wrong_requests_are_usage_errors(library: Library) -> None:
    for request in ({}, {"text": ""}, {"text": "a", "after": "soon"}, {"text": "a", "limit": 0}):
        with pytest.raises(UsageError):
            library.search(**request)


def test_a_closed_library_opens_again_when_needed(library: Library) -> None:
    library.close()
    assert len(library.search("a cat")) == 3


def test_the_import_is_light() -> None:
    code = (
        "import sys, albumen;"
        "print({'torch','onnxruntime','PIL','click','rich','numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(albumen.__file__).parent / "py.typed").exists()


def test_a_photo_goes_to_the_trash_and_comes_back(library: Library, photos: Path) -> None:
    [trashed] = library.trash(photos / "coffee.png")
    assert not (photos / "coffee.png").exists()
    assert [(one.id, one.path) for one in library.trashed()] == [(trashed.id, trashed.path)]
    [restored] = library.restore(trashed.id)
    assert restored.path == photos / "coffee.png"
    assert restored.path.exists()
    assert library.trashed() == []


def test_what_was_decided_goes_to_a_file_and_into_another_library(
    library: Library, photos: Path, tmp_path: Path
) -> None:
    library.decide(photos / "coffee.png", photos / "chelsea.png", "not-duplicates")
    assert library.export(tmp_path / "decisions.json").pairs == 1
    with Library(tmp_path / "another") as another:
        assert another.import_from(tmp_path / "decisions.json").pairs == 1

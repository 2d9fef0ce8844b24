"""From words and examples to photos, with a real library and a real pack that knows colours."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.packs.tiny_pack import COLOURS

from albumen import Library
from albumen.search import Query, QueryError, matrix
from albumen.search.encoding import NEGATIVE_WEIGHT, encode


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, tiny_pack: Path):
    place = tmp_path_factory.mktemp("colours")
    for year, (name, colour) in enumerate(COLOURS.items(), 2010):
        (place / name).mkdir()
        Image.new("RGB", (80, 60), colour).save(place / name / f"{year}-06-15 12.30.00.png")
    with Library(place / "home", str(tiny_pack)) as library:
        library.index(place, exclude=["home/"])
        yield library


def colours(library: Library, query: Query) -> list[str]:
    return [result.path.parent.name for result in library.answer(query).results]


@pytest.mark.parametrize("colour", COLOURS)
def test_a_word_finds_what_it_names_first(library: Library, colour: str) -> None:
    assert colours(library, Query(text=(colour,)))[0] == colour


def test_every_photo_is_ranked_by_its_cosine(library: Library) -> None:
    query = Query(text=("yellow",))
    vector, _ = encode(query, library.pack, library.store)
    answer = library.answer(query)
    assert len(answer.results) == len(COLOURS)
    for result in answer.results:
        known = library.store.embedding(result.photo, library.pack.id).astype(np.float32)
        assert result.score == pytest.approx(float(known @ vector), abs=1e-4)
        assert known == pytest.approx(library.pack.encode_images(pixels(library, result.path))[0],
                                      abs=1e-3)  # fmt: skip


def pixels(library: Library, path: Path) -> np.ndarray:
    return library.pack.preprocessing.apply(np.asarray(Image.open(path)))[np.newaxis]


def test_the_vector_is_the_mean_less_half_the_negatives(library: Library) -> None:
    red, blue, grey = library.pack.encode_texts(["red", "blue", "grey"])
    expected = (red + blue) / 2 - NEGATIVE_WEIGHT * grey
    vector, _ = encode(Query(text=("red", "blue"), negative=("grey",)), library.pack, library.store)
    assert vector == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


def test_what_is_not_wanted_falls(library: Library) -> None:
    plain = colours(library, Query(text=("red",)))
    without = colours(library, Query(text=("red",), negative=("yellow",)))
    assert without.index("yellow") > plain.index("yellow")


def test_an_example_known_by_its_content_is_not_decoded(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = library.answer(Query(text=("green",))).results[0].path
    copy = tmp_path / "elsewhere.png"
    copy.write_bytes(known.read_bytes())
    monkeypatch.setattr("albumen.library.decode.decode", None)
    assert colours(library, Query(like=(copy,)))[0] == "green"


def test_a_damaged_png_is_no_example(library: Library, tmp_path: Path) -> None:
    whole = next(path for path in library.answer(Query(text=("red",))).results).path.read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(QueryError, match=r"cannot use the example .*half\.png: "):
        library.answer(Query(like=(tmp_path / "half.png",)))


def test_days_filter_by_the_date_in_the_name(library: Library) -> None:
    query = Query(text=("red",), after=date(2011, 1, 1), before=date(2013, 1, 1))
    assert sorted(colours(library, query)) == ["blue", "green"]


def test_limit_counts_after_the_filter(library: Library) -> None:
    query = Query(text=("red",), after=date(2012, 1, 1), limit=2)
    assert len(colours(library, query)) == 2


def test_every_copy_is_named_however_few_photos_are_asked_for(
    tmp_path: Path, tiny_pack: Path
) -> None:
    for name, colour in (("red", COLOURS["red"]), ("blue", COLOURS["blue"])):
        Image.new("RGB", (80, 60), colour).save(tmp_path / f"{name}.jpg")
    photo = (tmp_path / "red.jpg").read_bytes()
    for number in range(20):  # the same picture, each time another file
        (tmp_path / f"{number:02}.jpg").write_bytes(photo + bytes([number]))
    with Library(tmp_path / "home", str(tiny_pack)) as library:
        library.index(tmp_path, exclude=["home/"])
        (found,) = library.search("red", limit=1)
    assert found.path == found.paths[0]
    names = [f"{number:02}.jpg" for number in range(20)]
    assert sorted(path.name for path in found.paths) == [*names, "red.jpg"]


def test_a_text_too_long_is_said_to_be_cut(library: Library) -> None:
    answer = library.answer(Query(text=("red " * 10_000,)))
    (notice,) = answer.notices
    assert notice.startswith('only the beginning of "red red red red red …" was used')
    assert library.answer(Query(text=("red",))).notices == ()


def test_the_answer_is_the_same_with_and_without_the_matrix(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = Query(text=("grey",))
    with_matrix = library.answer(query)

    def no_place(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(matrix.Matrix, "_current", no_place)
    assert library.answer(query) == with_matrix


def test_a_library_made_anew_beside_an_old_cache_is_not_confused_with_it(
    tmp_path: Path, tiny_pack: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    for number, colour in enumerate(["red", "blue"]):
        Image.new("RGB", (80, 60), COLOURS[colour]).save(tmp_path / f"one/{number}.png")
    for number, colour in enumerate(["blue", "red"]):
        Image.new("RGB", (80, 61), COLOURS[colour]).save(tmp_path / f"two/{number}.png")
    with Library(tmp_path / "home", str(tiny_pack)) as first:
        first.index(tmp_path / "one")
        assert first.search("red")[0].path.name == "0.png"
    for file in (tmp_path / "home").glob("library.db*"):
        file.unlink()
    with Library(tmp_path / "home", str(tiny_pack)) as second:
        second.index(tmp_path / "two")
        assert second.search("red")[0].path.name == "1.png"

"""Words that people wrote, merged with what the pack sees: a real library of coloured pictures."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.library.worded import keywords, xmp
from tests.packs.tiny_pack import COLOURS

from albumen import Library
from albumen.search import Query, QueryError, words


@pytest.fixture
def library(tmp_path: Path, tiny_pack: Path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for year, (name, colour) in enumerate(COLOURS.items(), 2010):
        Image.new("RGB", (80, 60), colour).save(folder / f"{name} {year}-06-15 12.30.00.png")
    with Library(tmp_path / "home", str(tiny_pack)) as library:
        yield library


def describe(library: Library, colour: str, properties: str, attributes: str = "") -> None:
    """Put a sidecar beside the picture of that colour."""
    [photo] = (library.home.path.parent / "photos").glob(f"{colour} *.png")
    photo.with_name(photo.name + ".xmp").write_bytes(xmp(properties, attributes))


def index(library: Library) -> None:
    library.index(library.home.path.parent / "photos")


def found(library: Library, *text: str, **filters: object) -> list[str]:
    answer = library.answer(Query(text=text, **filters))
    return [result.path.name.split()[0] for result in answer.results]


def test_a_photo_that_says_all_words_comes_before_all_others(library: Library) -> None:
    describe(library, "black", keywords("Rosie"))
    index(library)
    plain = library.answer(Query(text=("yellow",))).results
    assert plain[0].path.name.startswith("yellow")
    [first, *others] = library.answer(Query(text=("Rosie",))).results
    assert first.path.name.startswith("black")
    assert first.words == ("rosie",)
    assert [result.score for result in others] == sorted((r.score for r in others), reverse=True)


def test_some_of_the_words_lift_a_photo_among_like_ones_only() -> None:
    ids, scores = np.arange(1000), np.linspace(0.3, 0.2, 1000, dtype=np.float32)
    rare, frequent = np.zeros((2, 1000), bool)
    rare[[400, 999]], frequent[::2] = True, True
    said = words.Said(("rosie", "dog", "unsaid"), ids, np.stack([rare, frequent, ~rare & rare], 1))
    places = np.argsort(np.argsort(-said.raised(ids, scores)))
    assert places[400] < 150  # from 400, by a word that 2 of 1,000 say
    assert places[999] > 400  # from the last place: lifted, but not to where the alike ones are
    assert places[0] == 0
    assert places[402] > 350  # every second photo says "dog", which tells nothing


def test_captions_accents_and_endings_are_matched(library: Library) -> None:
    caption = "<rdf:Alt><rdf:li>Two dogs in the Café</rdf:li></rdf:Alt>"
    describe(library, "grey", f"<dc:description>{caption}</dc:description>")
    index(library)
    for query in ("dog", "the cafe", "DOGS at a café"):
        assert found(library, query)[0] == "grey"


def test_a_tag_by_hand_is_found_and_one_taken_away_is_not(library: Library) -> None:
    describe(library, "black", keywords("Rosie"))
    index(library)
    [photo] = (library.home.path.parent / "photos").glob("blue *.png")
    library.add_tags(photo, "Rosie")
    assert set(found(library, "rosie")[:2]) == {"black", "blue"}
    [other] = (library.home.path.parent / "photos").glob("black *.png")
    library.remove_tags(other, "Rosie")
    assert found(library, "rosie")[0] == "blue"
    assert library.answer(Query(text=("rosie",))).results[1].words == ()


@pytest.mark.parametrize(
    ("query", "first"),
    [("2012", "blue"), ("June 2012", "blue"), ("5 stars", "grey"), ("חוף", "white"), ("🎉", "red")],
)
def test_dates_ratings_and_every_script_are_words(library: Library, query: str, first: str) -> None:
    describe(library, "grey", "", 'xmp:Rating="5"')
    describe(library, "white", keywords("חופשה"[:3] + "ים"))
    describe(library, "white", keywords("חוף הים"))
    describe(library, "red", keywords("🎉 party"))
    index(library)
    assert found(library, query)[0] == first


def test_a_month_of_another_year_is_not_that_month(library: Library) -> None:
    index(library)
    assert library.answer(Query(text=("june 2012",))).results[0].words == ("2012-06",)
    assert words.said(library.store, ("may 2012",)) is None


def test_frequent_words_alone_say_nothing(library: Library) -> None:
    describe(library, "black", keywords("dog"))
    index(library)
    assert words.said(library.store, ("a photo of the cat",)) is None
    said = words.said(library.store, ("a photo of the dog",))
    assert said is not None
    assert said.terms == ("dog",)


@pytest.mark.parametrize(
    "query", ['"', "AND", "NEAR(a b)", "*", "a:b", "(", "-", "rosie OR", "\x00"]
)
def test_no_query_is_taken_for_a_command_of_full_text(library: Library, query: str) -> None:
    describe(library, "black", keywords("Rosie"))
    index(library)
    assert len(found(library, query + " red")) == len(COLOURS)


def test_words_find_a_photo_that_the_pack_could_not_describe(library: Library) -> None:
    describe(library, "black", keywords("Rosie"))
    index(library)
    with library.store.db.transaction():
        library.store.db.execute("DELETE FROM embedding WHERE photo = 5")
        library.store.db.execute("UPDATE pack SET generation = generation + 1")
    first = library.answer(Query(text=("Rosie",))).results[0]
    assert first.path.name.startswith("black")


def test_raising_keeps_the_order_of_likeness_within_each_tier() -> None:
    said = words.Said(("a", "b"), np.array([2, 5, 7]), np.array([[1, 1], [1, 0], [1, 1]], bool))
    ids = np.arange(9)
    scores = np.linspace(0.9, 0.1, 9, dtype=np.float32)
    order = [int(i) for i in np.argsort(-said.raised(ids, scores), kind="stable")]
    assert order == [2, 7, 0, 1, 3, 4, 5, 6, 8]


# Filters by tag


def test_tags_filter_and_all_of_them_count(library: Library) -> None:
    index(library)
    photos = {p.name.split()[0]: p for p in (library.home.path.parent / "photos").glob("*.png")}
    for colour in ("red", "blue", "green"):
        library.add_tags(photos[colour], "holiday")
    library.add_tags(photos["blue"], "Rosie")
    assert set(found(library, "red", tags=("Holiday",))) == {"red", "blue", "green"}
    assert found(library, "red", tags=("holiday", "rosie")) == ["blue"]
    assert found(library, "red", tags=("holiday",), after=date(2012, 1, 1)) == ["blue"]


def test_a_tag_alone_is_a_query(library: Library) -> None:
    index(library)
    [photo] = (library.home.path.parent / "photos").glob("blue *.png")
    library.add_tags(photo, "red")
    assert [r.path for r in library.search(tags="red")] == [photo]


def test_a_tag_that_no_photo_has_is_said(library: Library) -> None:
    index(library)
    answer = library.answer(Query(text=("red",), tags=("nobody",)))
    assert answer.results == ()
    assert answer.notices == (
        'no photo has the tag "nobody"; those that there are: albumen tags list',
    )


def test_an_empty_tag_asks_for_nothing() -> None:
    with pytest.raises(QueryError, match="is empty"):
        Query(tags=(" ",))

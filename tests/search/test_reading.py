"""Words that a pack never met, and words that are only spelt otherwise."""

import pytest

from albumen.search.reading import read

WORDS = ("a", "the", "on", "dog", "dogs", "mountain", "color", "colour", "puppy", "tire", "gray",
         "house", "traveler", "beach", "knife")  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("a dog on the beach", "a dog on the beach"),
        ("A Dog", "A Dog"),
        ("a grey dog", "a gray dog"),
        ("tyres", "tire"),
        ("a traveller", "a traveler"),
        ("colour", "color"),  # both are known; this one is met more often
        ("puppies", "puppy"),
        ("knives", "knife"),
        ("houses on mountains", "house on mountain"),
        ("dog 2023", "dog 2023"),
    ],
)
def test_spelling_and_number_do_no_harm(asked: str, meant: str) -> None:
    reading = read(asked, WORDS)
    assert (reading.text, reading.notices, reading.known) == (meant, (), True)


@pytest.mark.parametrize("slip", ["montain", "mountian", "mountainn", "mounxain"])
def test_a_slip_of_the_pen_is_mended_and_said(slip: str) -> None:
    reading = read(f"a {slip}", WORDS)
    assert reading.text == "a mountain"
    assert reading.notices == (f'"{slip}" was read as "mountain"',)


def test_an_unknown_word_is_left_out_and_said() -> None:
    reading = read("a dog on the quokka", WORDS)
    assert reading.text == "a dog on the"
    assert reading.notices == ('the pack does not know "quokka"; it was left out',)


def test_a_plural_far_rarer_than_its_singular_is_read_as_that() -> None:
    words = ("church", *(f"filler{'x' * place}" for place in range(20)), "churches", "roses")
    assert read("churches", words).text == "church"
    assert read("roses", ("mum", "rose", "roses")).text == "roses"


def test_a_short_unknown_word_is_not_taken_for_another() -> None:
    assert read("dig", WORDS).known is False


def test_when_no_word_is_known_the_text_stays_as_it_is() -> None:
    reading = read("Perro Gato", WORDS)
    assert (reading.text, reading.known) == ("Perro Gato", False)
    assert len(reading.notices) == 2


def test_small_words_alone_say_nothing() -> None:
    assert read("a quokka on the beach", WORDS).known
    assert read("a quokka", WORDS) == read("a quokka", WORDS[:2])
    assert not read("a quokka", WORDS).known


def test_a_text_without_letters_is_not_unknown() -> None:
    assert read("2023", WORDS).known
    assert read("🐈", WORDS).known


def test_a_pack_without_a_list_reads_everything() -> None:
    reading = read("quokka", ())
    assert (reading.text, reading.notices, reading.known) == ("quokka", (), True)

"""The vocabulary: a text that the owner edits, read and written back without loss."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albumen.errors import AlbumenError
from albumen.library import tag_name
from albumen.tags import Entry, Vocabulary, VocabularyError, vocabulary

TEXT = """
# mine
[our life]
school play = children on a stage; a theatre play
#summer
[animals]
dog
חתול
🎉 party
"""


def test_a_text_becomes_tags_in_groups() -> None:
    parsed = vocabulary.parse(TEXT)
    assert parsed.entries == (
        Entry("school play", "our life", ("children on a stage", "a theatre play")),
        Entry("#summer", "our life"),
        Entry("dog", "animals"),
        Entry("חתול", "animals"),
        Entry("🎉 party", "animals"),
    )
    assert parsed.entries[2].asked == ("dog",)
    assert vocabulary.parse(parsed.text()) == parsed


def test_the_default_has_a_few_hundred_words_in_six_groups() -> None:
    default = vocabulary.default()
    assert list(default.groups) == [
        "people and events", "places", "animals", "food", "things", "style",
    ]  # fmt: skip
    assert 300 <= len(default) <= 600
    assert vocabulary.parse(default.text()) == default


def test_a_tag_that_comes_twice_counts_once() -> None:
    assert [e.name for e in vocabulary.parse("Dog\n[x]\nDOG\ncat").entries] == ["Dog", "cat"]


def test_groups_that_come_twice_are_one() -> None:
    parsed = vocabulary.parse("[a]\none\n[b]\ntwo\n[a]\nthree")
    assert {name: [e.name for e in some] for name, some in parsed.groups.items()} == {
        "a": ["one", "three"], "b": ["two"],
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "[animals]"])
def test_a_vocabulary_may_be_empty(text: str) -> None:
    assert len(vocabulary.parse(text)) == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dog\n" + "x" * 201, "line 2 .* longer than 200"),
        ("[]\n", "line 1 .* at least one character"),
        (" = a dog", "line 1"),
        ("\n".join(map(str, range(100_001))), "100,000 tags at most"),
        ("x" * (16 << 20) + "x", "16 MB"),
    ],
)
def test_what_is_no_vocabulary_says_where(text: str, reason: str) -> None:
    with pytest.raises(VocabularyError, match=reason):
        vocabulary.parse(text)


def test_tags_are_added_moved_and_left_out() -> None:
    changed = vocabulary.parse("[animals]\ndog\ncat").with_tags(["horse", "DOG"], "farm")
    assert {e.name: e.group for e in changed.entries} == {
        "cat": "animals", "dog": "farm", "horse": "farm",
    }  # fmt: skip
    assert [e.name for e in changed.without(["Cat"]).entries] == ["dog", "horse"]
    with pytest.raises(VocabularyError, match='no tag "wolf"'):
        changed.without(["wolf"])


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=30), max_size=8))
def test_whatever_can_be_added_comes_back_from_the_text(names: list[str]) -> None:
    made = Vocabulary(())
    for name in names:
        try:
            made = made.with_tags([name])
        except AlbumenError:
            continue
    again = vocabulary.parse(made.text())
    assert [tag_name.key(e.name) for e in again.entries] == [
        tag_name.key(e.name) for e in made.entries
    ]

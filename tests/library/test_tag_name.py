"""Names of tags: any script, one line, nothing that deceives the eye."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albumen.library import tag_name as tags
from albumen.library.records import LibraryError


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" New\nYear's\tEve ", "New Year's Eve"),
        ("👨‍👩‍👧 family", "👨‍👩‍👧 family"),
        ("חוף הים", "חוף הים"),
        ("می‌خواهم", "می‌خواهم"),
        ("gnp.exe\u202egnp", "gnp.exegnp"),
        ("\U0001f3f4\U000e0067\U000e007f", "\U0001f3f4\U000e0067\U000e007f"),
        ("cafe\u0301", "café"),
        ("a\x00b\x1b[31m", "a b [31m"),
    ],
)
def test_a_tag_is_one_line_in_any_script(given: str, kept: str) -> None:
    assert tags.clean(given) == kept


@pytest.mark.parametrize("given", ["", " \n", "\u202e", "\u200d", "x" * 201, "\udcff"])
def test_what_can_be_no_tag_is_refused(given: str) -> None:
    with pytest.raises(LibraryError):
        tags.clean(given)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_a_clean_tag_stays_as_it_is(text: str) -> None:
    try:
        once = tags.clean(text)
    except LibraryError:
        return
    assert tags.clean(once) == once
    assert "\n" not in once
    assert tags.key(tags.key(once)) == tags.key(once)

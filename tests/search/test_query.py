"""A query says what it asks for, or why it cannot be answered."""

from datetime import date
from pathlib import Path

import pytest

from albumen.errors import UsageError
from albumen.search import Query, QueryError, parse_day


@pytest.mark.parametrize("text", [(), ("",), (" \t\n",)])
def test_an_empty_query_is_refused_with_an_example(text: tuple[str, ...]) -> None:
    with pytest.raises(QueryError, match="empty.*a dog on a beach") as caught:
        Query(text=text)
    assert isinstance(caught.value, UsageError)
    assert caught.value.exit_code == 2


def test_a_query_of_negatives_alone_is_refused() -> None:
    with pytest.raises(QueryError, match="only what not to show"):
        Query(negative=("people",))


def test_no_photos_at_all_cannot_be_asked_for() -> None:
    with pytest.raises(QueryError, match="1 or more"):
        Query(text=("a dog",), limit=0)


def test_days_that_leave_no_day_between_them_are_refused() -> None:
    with pytest.raises(QueryError, match="no day"):
        Query(text=("a dog",), after=date(2024, 1, 1), before=date(2023, 1, 1))


def test_white_space_and_undecodable_bytes_do_no_harm() -> None:
    query = Query(text=("  a \n dog\udcff ",))
    assert query.text == ("a dog?",)


def test_a_query_reads_as_a_phrase() -> None:
    query = Query(
        text=("a dog",),
        like=(Path("/x/rex.jpg"),),
        negative=("people",),
        after=date(2023, 1, 1),
        before=date(2024, 1, 1),
        under=Path("/x"),
    )
    assert query.subject == "a dog, like rex.jpg, without people"
    assert query.filters == ("from 2023-01-01", "before 2024-01-01", "in /x")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2023", date(2023, 1, 1)),
        ("2023-05", date(2023, 5, 1)),
        ("2024-02-29", date(2024, 2, 29)),
    ],
)
def test_a_year_or_a_month_means_its_first_day(text: str, day: date) -> None:
    assert parse_day(text) == day


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2023-13", "2023-02-30", "23", "2023-5-1", "٢٠٢٣"]
)
def test_what_is_no_date_is_named(text: str) -> None:
    with pytest.raises(QueryError, match="is no date; write 2023"):
        parse_day(text)

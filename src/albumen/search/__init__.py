"""Search: from words and example pictures to ranked photos."""

from albumen.search.answer import Answer, Result, run
from albumen.search.query import Query, QueryError, day_before, parse_day

__all__ = ["Answer", "Query", "QueryError", "Result", "day_before", "parse_day", "run"]

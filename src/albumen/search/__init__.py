"""Search: from words and example pictures to ranked photos."""

from albumen.search.answer import Answer, Result, run
from albumen.search.query import Query, QueryError, parse_day

__all__ = ["Answer", "Query", "QueryError", "Result", "parse_day", "run"]

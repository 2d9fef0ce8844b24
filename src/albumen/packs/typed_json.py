"""JSON into frozen dataclasses, strictly by their annotations; and back.

The libraries for this were weighed: msgspec 0.22 crashes the interpreter in the garbage collector
on our manifest, pydantic adds 11 MB, and cattrs lets "3" pass for 3.
"""

import types
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_hints = cache(get_type_hints)  # two thirds of the time, for a small value


def build(kind: type[T], value: Any, where: str = "$") -> T:
    """`value`, from `json.loads`, as `kind`: a dataclass of str, int, float, Any, None, Literal,
    tuples, dictionaries and further dataclasses. Fields it does not know are passed over.

    Raises ValueError that names the place (`$.image.grid`), for a value of another kind too.
    """
    built: T = _convert(kind, value, where)
    return built


def _convert(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if is_dataclass(kind) and isinstance(value, dict):
        return _dataclass(kind, value, where)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _first_that_fits(parts, value, where)
    if origin is Literal and value in parts:
        return value
    if origin is tuple and isinstance(value, list):
        kinds = parts[:1] * len(value) if parts[1:] == (...,) else parts
        if len(kinds) == len(value):
            pairs = enumerate(zip(kinds, value, strict=True))
            return tuple(_convert(each, item, f"{where}[{i}]") for i, (each, item) in pairs)
    if origin is dict and isinstance(value, dict):
        return {key: _convert(parts[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise ValueError(f"{where} is too large") from None
    if isinstance(kind, type) and type(value) is kind:  # not isinstance: True is no number
        return value
    if kind is types.NoneType and value is None:
        return None
    raise ValueError(f"{where} is not {_words(kind)}")


def _dataclass(kind: Any, value: dict[str, Any], where: str) -> Any:
    hints, given = _hints(kind), {}
    for field in fields(kind):
        if field.name in value:
            inner = f"{where}.{field.name}"
            given[field.name] = _convert(hints[field.name], value[field.name], inner)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{where}.{field.name} is missing")
    try:
        return kind(**given)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _first_that_fits(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    reason = ValueError(f"{where} is empty")
    for kind in kinds:
        try:
            return _convert(kind, value, where)
        except ValueError as error:
            # Of `X | None`, the reason worth telling is X's.
            reason = reason if kind is types.NoneType else error
    raise reason


def _words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    return {str: "text", int: "a whole number", float: "a number"}.get(kind, f"a {kind}")

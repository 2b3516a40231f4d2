"""The ``filter`` parameter: a JSON list of conditions, all of which must hold (langfuse-api.md, section 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import msgspec

from langfuse_otel.server.moments import parse_iso
from langfuse_otel.server.problem import invalid
from langfuse_otel.server.queries import Where
from langfuse_otel.server.typed import decode


class Kind(Enum):
    """What a column holds, and so which types of conditions it can be asked with."""

    TEXT = auto()
    NUMBER = auto()
    MOMENT = auto()
    FLAG = auto()
    LIST = auto()
    OBJECT = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A name that may be filtered by: the SQL expression that it stands for."""

    sql: str
    kind: Kind = Kind.TEXT


class _Condition(msgspec.Struct):
    type: str
    column: str
    operator: str
    value: Any = None
    key: str | None = None


def add(where: Where, text: str, columns: Mapping[str, Column]) -> None:
    """Add the conditions of a ``filter`` parameter to ``where``.

    Raises:
        Problem: 400: no such list, an unknown column, or an operator or value that does not fit it.
    """
    try:
        conditions = decode(text, list[_Condition])
    except (ValueError, RecursionError) as error:
        raise invalid(f"filter: {error}") from error
    for number, condition in enumerate(conditions):
        column = columns.get(condition.column)
        if column is None:
            raise invalid(f"filter[{number}]: unknown column {condition.column!r:.100}; known: {', '.join(columns)}")
        try:
            clause, values = _clause(condition, column)
        except (ValueError, OverflowError) as error:
            raise invalid(f"filter[{number}]: {error}") from error
        where.add(clause, *values)


def _clause(condition: _Condition, column: Column) -> tuple[str, list[Any]]:
    known = _TYPES.get(condition.type)
    if known is None:
        raise ValueError(f"unknown type {condition.type!r:.100}; known: {', '.join(_TYPES)}")
    kinds, build = known
    if column.kind not in kinds:
        raise ValueError(f"column {condition.column} cannot be asked with type {condition.type}")
    return build(condition, column.sql)


def _unknown_operator(condition: _Condition) -> ValueError:
    return ValueError(f"type {condition.type} has no operator {condition.operator!r:.100}")


def _compare(condition: _Condition, sql: str, value: Any, operators: tuple[str, ...]) -> tuple[str, list[Any]]:
    if condition.operator not in operators:
        raise _unknown_operator(condition)
    return f"{sql} {condition.operator} ?", [value]


def _moment(condition: _Condition, sql: str) -> tuple[str, list[Any]]:
    return _compare(condition, sql, parse_iso(_text(condition)), (">", "<", ">=", "<="))


def _number(condition: _Condition, sql: str) -> tuple[str, list[Any]]:
    if not isinstance(condition.value, (int, float)) or isinstance(condition.value, bool):
        raise ValueError("value: expected a number")
    return _compare(condition, sql, float(condition.value), ("=", ">", "<", ">=", "<="))


def _flag(condition: _Condition, sql: str) -> tuple[str, list[Any]]:
    if not isinstance(condition.value, bool):
        raise ValueError("value: expected true or false")
    return _compare(condition, sql, condition.value, ("=", "<>"))


def _null(condition: _Condition, sql: str) -> tuple[str, list[Any]]:
    if condition.operator not in ("is null", "is not null"):
        raise _unknown_operator(condition)
    return f"{sql} {condition.operator.upper()}", []


def _string(condition: _Condition, sql: str) -> tuple[str, list[Any]]:
    value = _text(condition)
    known: dict[str, tuple[str, list[Any]]] = {
        "=": (f"{sql} = ?", [value]),
        "contains": (f"instr({sql}, ?) > 0", [value]),
        "does not contain": (f"instr(coalesce({sql}, ''), ?) = 0", [value]),
        "starts with": (f"substr({sql}, 1, ?) = ?", [len(value), value]),
        "ends with": (f"substr({sql}, length({sql}) - ?) = ?", [len(value) - 1, value]),
        "matches": (f"instr(lower({sql}), lower(?)) > 0", [value]),
    }
    if condition.operator not in known:
        raise _unknown_operator(condition)
    return known[condition.operator]


def _options(condition: _Condition, sql: str) -> tuple[str, list[Any]]:
    values = _texts(condition)
    marks = ", ".join("?" * len(values))
    known = {"any of": f"{sql} IN ({marks})", "none of": f"coalesce({sql}, '') NOT IN ({marks})"}
    if condition.operator not in known:
        raise _unknown_operator(condition)
    return known[condition.operator], values


def _array(condition: _Condition, sql: str) -> tuple[str, list[Any]]:
    values = list(dict.fromkeys(_texts(condition)))
    marks = ", ".join("?" * len(values))
    hits = f"(SELECT count(DISTINCT value) FROM json_each({sql}) WHERE value IN ({marks}))"
    known = {"any of": f"{hits} > 0", "none of": f"{hits} = 0", "all of": f"{hits} = {len(values)}"}
    if condition.operator not in known:
        raise _unknown_operator(condition)
    return known[condition.operator], values


def _string_object(condition: _Condition, sql: str) -> tuple[str, list[Any]]:
    if condition.operator in ("is set", "is not set"):
        clause, values = _at_key(condition, sql, "value IS NOT NULL", [])
        return ("" if condition.operator == "is set" else "NOT ") + clause, values
    return _at_key(condition, sql, *_string(condition, "CAST(value AS TEXT)"))


def _number_object(condition: _Condition, sql: str) -> tuple[str, list[Any]]:
    return _at_key(condition, sql, *_number(condition, "CAST(value AS REAL)"))


def _at_key(condition: _Condition, sql: str, clause: str, values: list[Any]) -> tuple[str, list[Any]]:
    """``clause`` about the value that an object has at the condition's key."""
    if not condition.key:
        raise ValueError(f"key: needed by type {condition.type}")
    return f"EXISTS (SELECT 1 FROM json_each({sql}) WHERE key = ? AND {clause})", [condition.key, *values]


def _text(condition: _Condition) -> str:
    if not isinstance(condition.value, str):
        raise ValueError("value: expected a text")
    return condition.value


def _texts(condition: _Condition) -> list[Any]:
    values = condition.value
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise ValueError("value: expected a list of texts")
    return values


_Build = Callable[[_Condition, str], tuple[str, list[Any]]]

_TYPES: dict[str, tuple[tuple[Kind, ...], _Build]] = {
    "string": ((Kind.TEXT,), _string),
    "stringOptions": ((Kind.TEXT,), _options),
    "number": ((Kind.NUMBER,), _number),
    "datetime": ((Kind.MOMENT,), _moment),
    "boolean": ((Kind.FLAG,), _flag),
    "arrayOptions": ((Kind.LIST,), _array),
    "stringObject": ((Kind.OBJECT,), _string_object),
    "numberObject": ((Kind.OBJECT,), _number_object),
    "null": ((Kind.TEXT, Kind.NUMBER, Kind.MOMENT), _null),
}

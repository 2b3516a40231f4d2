"""Tolerant reading of what clients are given and give back: dicts, model objects, sentinels for "not given".

Every reader checks the type, so a client's sentinels (``NotGiven``, ``Omit``) and surprises of compatible servers read
as "not there" without naming them. Each call of a client runs dozens of these: they are one function deep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_TOO_LARGE = 2**63


def fields(source: Any) -> dict[str, Any]:
    """All fields of a dict or a model object, those included that the model does not declare; else empty.

    For reading many of them: a model that is asked for a field it lacks answers slowly.
    """
    if isinstance(source, dict):
        return source
    own: dict[str, Any] = getattr(source, "__dict__", None) or {}
    extra = getattr(source, "model_extra", None) if own else None
    return {**own, **extra} if extra else own


def own(source: Any) -> Any:
    """The fields of a dict, or those that a model object declares: the quick way, for what is surely one of the two.

    Where every nanosecond counts, as once a chunk, it is written out.
    """
    return getattr(source, "__dict__", source)  # a dict has none


def known(attributes: dict[str, Any]) -> dict[str, Any]:
    """Without the entries that are None."""
    return {name: value for name, value in attributes.items() if value is not None}


def field(source: Any, name: str) -> Any:
    """An item of a dict or an attribute of an object; None when there is none."""
    return source.get(name) if isinstance(source, dict) else getattr(source, name, None)


def text(source: Any, name: str) -> str | None:
    """A field that is a non-empty string."""
    value = source.get(name) if isinstance(source, dict) else getattr(source, name, None)
    return value if isinstance(value, str) and value else None


def put_texts(attributes: dict[str, Any], source: dict[str, Any], table: Mapping[str, str]) -> None:
    """Put the fields that are non-empty strings under the names that the table has for them."""
    for name, attribute in table.items():
        value = source.get(name)
        if isinstance(value, str) and value:
            attributes[attribute] = value


def first_text(spellings: Iterable[str], *sources: Any) -> str | None:
    """The first non-empty string among fields of several names: source by source, each name in its order."""
    return next((value for source in sources for name in spellings if (value := text(source, name))), None)


def is_whole(value: Any) -> bool:
    """Whether it is an int and no bool, and one that OpenTelemetry can send: 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and -_TOO_LARGE <= value < _TOO_LARGE


def whole(source: Any, name: str) -> int | None:
    """A field that ``is_whole``."""
    value = source.get(name) if isinstance(source, dict) else getattr(source, name, None)
    return value if is_whole(value) else None


def number(source: Any, name: str) -> float | None:
    """A field that is a number, as float."""
    value = source.get(name) if isinstance(source, dict) else getattr(source, name, None)
    if isinstance(value, int):
        return float(value) if not isinstance(value, bool) and -_TOO_LARGE <= value < _TOO_LARGE else None
    return float(value) if isinstance(value, float) else None


def texts(source: Any, name: str) -> list[str] | None:
    """The strings of a field that is a string, or a list or tuple with some; else None."""
    value = source.get(name) if isinstance(source, dict) else getattr(source, name, None)
    given = value if isinstance(value, (list, tuple)) else (value,)
    return [item for item in given if isinstance(item, str)] or None


def items(source: Any, name: str) -> list[Any] | tuple[Any, ...]:
    """A field that is a list or tuple; else empty."""
    value = source.get(name) if isinstance(source, dict) else getattr(source, name, None)
    return value if isinstance(value, (list, tuple)) else ()

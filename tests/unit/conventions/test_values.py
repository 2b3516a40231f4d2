"""Attribute values as the types of fields."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.conventions import values

PARSERS: list[Callable[[object], object]] = [
    values.text,
    values.identifier,
    values.content,
    values.count,
    values.number,
    values.flag,
    values.decoded,
    values.unquoted,
    values.json_object,
    values.tags,
    values.moment_ns,
]
ANYTHING: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@given(value=ANYTHING)
def test_no_value_raises(parse: Callable[[object], object], value: object) -> None:
    parse(value)


@given(st.text(st.characters()))
def test_an_environment_is_always_one_that_langfuse_accepts(name: str) -> None:
    found = values.environment(name)

    assert found is None or re.fullmatch(r"(?!langfuse)[a-z0-9_-]{1,40}", found)


@pytest.mark.parametrize("value", [5, "5", " 5 ", 5.0])
def test_a_count_is_a_whole_number_however_it_is_written(value: object) -> None:
    assert values.count(value) == 5


@pytest.mark.parametrize("value", [True, -1, 1.5, float("nan"), float("inf"), 2**64, "1e3", "9" * 5_000, None, [1]])
def test_anything_else_is_no_count(value: object) -> None:
    assert values.count(value) is None


@pytest.mark.parametrize("value", [True, -0.1, float("nan"), "inf", "1e999", 10**400, "x", None])
def test_a_number_is_finite_and_not_negative(value: object) -> None:
    assert values.number(value) is None

"""Keys by pattern."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.policy.keys import matcher


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("http.url", "http.url"),
        ("http.*", "http.url"),
        ("http.*", "http."),
        ("*", "anything"),
        ("*.password", "db.user.password"),
        ("llm.*.content", "llm.input_messages.0.message.content"),
        ("http.*", "attributes.http.url"),
        ("http.*", "attributes.attributes.http.url"),
        ("attributes.a", "attributes.a"),
        ("a**b", "a-b"),
        ("a*", "a\nb"),
    ],
)
def test_a_pattern_matches(pattern: str, key: str) -> None:
    assert matcher([pattern])(key)


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("http", "http.url"),
        ("http.*", "https.url"),
        ("http.*", "xhttp.url"),
        ("http.*", "http"),
        ("HTTP.*", "http.url"),
        ("a.b", "a-b"),
        ("a?", "ab"),
        ("[ab]", "a"),
        ("http.*", "attributeshttp.url"),
    ],
)
def test_a_pattern_does_not_match(pattern: str, key: str) -> None:
    assert not matcher([pattern])(key)


def test_one_of_several_patterns_is_enough() -> None:
    matches = matcher(["a.*", "b"])
    assert [key for key in ("a.x", "b", "b.x", "c") if matches(key)] == ["a.x", "b"]


def test_no_patterns_match_nothing() -> None:
    assert not matcher([])("") and not matcher([])("a")


@given(st.text(min_size=1))
def test_a_key_is_a_pattern_of_itself(key: str) -> None:
    assert matcher([key])(key)

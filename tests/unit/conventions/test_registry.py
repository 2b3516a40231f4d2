"""One precedence for all fields, and nothing that a span can do to break its reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel.conventions import registry, values
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.reader import Reader


def convention(name: str, **fields: Field) -> Convention:
    return Convention(name=name, fields={key.replace("_", "."): field for key, field in fields.items()})


NAME = Field("name", values.text)
FIRST, SECOND = convention("first", a_one=NAME, a_two=NAME), convention("second", b_one=NAME)


@given(st.permutations(["b.one", "a.two", "a.one"]))
def test_the_first_convention_wins_and_in_it_the_first_key_whatever_the_order_of_attributes(keys: list[str]) -> None:
    observation = registry.Registry([FIRST, SECOND]).read(ReadableSpan("x", attributes={key: key for key in keys}))

    assert observation.name == "a.one"
    assert observation.metadata == {"a.two": "a.two", "b.one": "b.one"}


def test_an_empty_value_does_not_win() -> None:
    observation = registry.Registry([FIRST, SECOND]).read(ReadableSpan("x", attributes={"a.one": "", "b.one": "b"}))

    assert observation.name == "b"


def test_a_composed_value_replaces_an_attribute_of_a_lower_convention() -> None:
    composing = Convention("composing", parts=frozenset(("p",)), compose=lambda reader: reader.offer("name", "whole"))
    observation = registry.Registry([composing, SECOND]).read(ReadableSpan("x", attributes={"b.one": "b", "p": 1}))

    assert observation.name == "whole"
    assert observation.metadata == {"b.one": "b", "p": 1}


def test_a_composed_value_does_not_replace_an_attribute_of_a_higher_convention() -> None:
    composing = Convention("composing", parts=frozenset(("p",)), compose=lambda reader: reader.offer("name", "whole"))
    observation = registry.Registry([SECOND, composing]).read(ReadableSpan("x", attributes={"b.one": "b", "p": 1}))

    assert observation.name == "b"


def test_a_convention_that_fails_loses_nothing() -> None:
    def fail(reader: Reader) -> None:
        raise ValueError("mistake")

    failing = Convention("failing", parts=frozenset(("p",)), families=("q.",), compose=fail)
    observation = registry.Registry([failing, SECOND]).read(
        ReadableSpan("x", attributes={"p": 1, "q.r": 2, "b.one": "b"})
    )

    assert observation.name == "b"
    assert observation.metadata == {"p": 1, "q.r": 2}


def test_a_span_that_cannot_be_read_is_still_an_observation() -> None:
    def fail(value: object) -> object:
        raise ValueError("mistake")

    broken = registry.Registry([convention("broken", a=Field("name", fail))])
    observation = broken.read(ReadableSpan("x", attributes={"a": 1, "b": 2}))

    assert observation.name == "x"
    assert observation.metadata == {"langfuse_otel.error": "ValueError: mistake", "a": 1, "b": 2}


def test_who_gave_each_field_can_be_asked() -> None:
    span = ReadableSpan("x", attributes={"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1, "user.id": "u"})

    assert registry.explain(span) == {
        "model": "gen_ai.request.model",
        "user_id": "user.id",
        "usage": "gen_ai",
        "type": "otel",
        "name": "otel",
        "is_app_root": "otel",
    }


def test_keys_without_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_MAX_KNOWN_KEYS", 10)
    reader = registry.Registry([FIRST])
    for number in range(50):
        observation = reader.read(ReadableSpan("x", attributes={f"key.{number}": number, "a.one": "a"}))
        assert observation.metadata == {f"key.{number}": number}

    assert len(reader._rules) <= 10

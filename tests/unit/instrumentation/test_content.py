"""The encoding of content takes whatever applications put into messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.instrumentation.content import ContentPolicy

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(anything)
def test_any_value_gives_json_that_utf8_can_carry(value: Any) -> None:
    for encoded in ContentPolicy().encode({"x": value}).values():
        assert isinstance(encoded, str)
        encoded.encode()
        json.loads(encoded)


@pytest.mark.parametrize("value", [object(), {"a": object}, 2**70, "\ud800", {(1, 2): 3}])
def test_what_json_does_not_know_is_shown_somehow(value: Any) -> None:
    assert json.loads(str(ContentPolicy().encode({"x": [value]})["x"]))


def test_a_structure_that_contains_itself_becomes_a_note() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert "not recorded" in str(ContentPolicy().encode({"x": loop})["x"])


def test_empty_content_gives_no_attribute() -> None:
    assert ContentPolicy().encode({"x": [], "y": None}) == {}


def test_the_mask_gets_a_copy() -> None:
    messages = [{"role": "user", "parts": [{"type": "text", "content": "secret"}]}]

    def mask(data: Any) -> Any:
        data[0]["parts"][0]["content"] = "***"
        return data

    encoded = ContentPolicy(mask=mask).encode({"x": messages})["x"]
    assert "secret" not in str(encoded)
    assert messages[0]["parts"][0]["content"] == "secret"  # type: ignore[index]

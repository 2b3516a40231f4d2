"""Any value, as JSON can say it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.json_safe import json_safe, well_formed


class Unprintable:
    def __str__(self) -> str:
        raise ValueError("no")


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (2**64, "18446744073709551616"),
        (2**53, 2**53),
        (True, True),
        (None, None),
        (b"text", "text"),
        (b"\xff", "/w=="),
        ("a\ud800", "a\\ud800"),
        ({1: {2}}, {"1": [2]}),
        ((1, [b"x"]), [1, ["x"]]),
        (Unprintable(), "<Unprintable: ValueError>"),
    ],
)
def test_nothing_is_lost_that_a_reader_could_use(value: object, safe: object) -> None:
    assert json_safe(value) == safe


def test_a_number_with_more_digits_than_python_writes_is_named() -> None:
    assert json_safe(10**5_000) == "<int: ValueError>"


def test_nesting_without_end_ends_as_text() -> None:
    endless: list[Any] = []
    endless.append(endless)

    assert "[...]" in json.dumps(json_safe(endless))


@given(st.text(st.characters()))
def test_every_text_can_be_encoded_and_a_good_one_is_unchanged(text: str) -> None:
    safe = well_formed(text)

    safe.encode()
    assert safe == text or any("\ud800" <= character <= "\udfff" for character in text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    )
)
def test_two_encoders_agree_on_what_comes_out(value: object) -> None:
    safe = json_safe(value)

    assert msgspec.json.decode(msgspec.json.encode(safe)) == json.loads(json.dumps(safe, allow_nan=False))

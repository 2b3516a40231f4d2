from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.server.pages import formats


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (-1, "0 ms"),
        (0, "0 ms"),
        (0.0124, "12 ms"),
        (0.9999, "1.00 s"),
        (59.99, "59.99 s"),
        (59.999, "1 m 00 s"),
        (125, "2 m 05 s"),
        (11_220, "3 h 07 m"),
    ],
)
def test_durations_have_the_unit_that_fits(seconds: float | None, shown: str) -> None:
    assert formats.duration(seconds) == shown


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (None, "–"),
        (0, "–"),
        (1234.5, "$1,234.50"),
        (0.5, "$0.5"),
        (0.012345, "$0.0123"),
        (0.0000708, "$0.0000708"),
        (1.8e-7, "$0.00000018"),
    ],
)
def test_small_costs_keep_the_digits_that_matter(usd: float | None, shown: str) -> None:
    assert formats.cost(usd) == shown


@pytest.mark.parametrize(
    ("length", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (999_999, "1.0 MB"), (3e9, "3,000.0 MB")],
)
def test_sizes_are_decimal(length: int, shown: str) -> None:
    assert formats.size(length) == shown


def test_counts_are_grouped_and_none_is_a_dash() -> None:
    assert (formats.count(1234567), formats.count(0), formats.count(None)) == ("1,234,567", "–", "–")


@given(st.integers())
def test_every_moment_can_be_shown(moment_ms: int) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", formats.moment(moment_ms))
    assert formats.exact_moment(moment_ms)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=0))
def test_no_cost_is_shown_as_nothing_but_a_number(usd: float) -> None:
    assert re.fullmatch(r"–|\$[\d,]+(\.\d*)?", formats.cost(usd))

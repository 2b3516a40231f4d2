"""Cutting text so that it shows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.wire.limits import trace_name, truncate_text


@given(st.text(st.characters(), max_size=300), st.integers(0, 400))
def test_a_text_is_never_longer_than_its_limit_and_always_utf8(text: str, max_bytes: int) -> None:
    cut = truncate_text(text, max_bytes)

    assert cut == text or len(cut.encode()) <= max_bytes


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.integers(0, 400))
def test_a_text_that_fits_is_unchanged(text: str, max_bytes: int) -> None:
    assert (truncate_text(text, max_bytes) == text) or len(text.encode()) > max_bytes


def test_what_was_cut_says_how_long_it_was() -> None:
    assert truncate_text("ä" * 1_000, 64) == "ä" * 18 + "… [truncated: 2,000 bytes]"


def test_a_character_is_never_cut_in_two() -> None:
    for max_bytes in range(40, 60):
        assert truncate_text("😀" * 100, max_bytes).strip("😀").startswith("… [")


def test_a_trace_name_has_at_most_a_thousand_characters() -> None:
    assert trace_name("ä" * 1_000) == "ä" * 1_000
    assert len(trace_name("ä" * 1_001)) <= 1_000

"""Seeing and decoding base64."""

from __future__ import annotations

import base64
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.media.base64_text import MIN_CHARACTERS, decoded, may_have_base64

# Drawn by size and seed, as hypothesis would take its time over so many bytes.
RUNS = st.builds(
    lambda size, seed: base64.b64encode(Random(seed).randbytes(size)).decode(),
    st.integers(MIN_CHARACTERS * 3 // 4, 2_000),
    st.integers(),
)
OTHER_TEXTS = st.builds(lambda text, times: text * times, st.text(max_size=20), st.integers(0, 100))
PROSE = "The server said no, twice. "


@given(OTHER_TEXTS, RUNS, OTHER_TEXTS)
def test_no_run_is_overlooked_wherever_it_is(before: str, run: str, after: str) -> None:
    assert may_have_base64(before + run + after)


@pytest.mark.parametrize("lines", [f"\\n{'QUJD' * 19}" * 40, f"\r\n{'QUJD' * 19}" * 40])
def test_nor_one_in_lines(lines: str) -> None:
    assert may_have_base64("text " + lines)


@pytest.mark.parametrize("text", [PROSE * 1_000, "「人工知能」" * 5_000, "a,b;c\n" * 3_000, "", "short"])
def test_prose_is_not_taken_for_it(text: str) -> None:
    assert not may_have_base64(text)


@given(st.binary())
def test_either_alphabet_with_padding_or_without_in_lines_or_not(content: bytes) -> None:
    standard, url_safe = base64.b64encode(content).decode(), base64.urlsafe_b64encode(content).decode()
    lines = base64.encodebytes(content).decode()
    for text in (standard, url_safe, standard.rstrip("="), standard.rstrip("=") + "===", lines.replace("\n", "\r\n")):
        if len(content) > 57 or "\n" not in text:
            assert decoded(text) == content


@given(st.text(min_size=1).filter(lambda text: not text.isascii() or " " in text))
def test_what_is_no_base64_is_none(text: str) -> None:
    assert decoded(text) is None


@pytest.mark.parametrize("text", [" ", "QUJD ", "QUJD\n ", "=QUJ", "QU=JD", "é"])
def test_nor_is_what_has_something_else_at_an_edge(text: str) -> None:
    assert decoded(text) is None

"""Real spans of each instrumentation package become the observations that stand beside them."""

from __future__ import annotations

import pytest
from expectation import expected, observed, recordings


@pytest.mark.parametrize("name", recordings())
def test_recorded_spans_become_the_expected_observations(name: str) -> None:
    for got, wanted in zip(observed(name), expected(name), strict=True):
        assert got == wanted

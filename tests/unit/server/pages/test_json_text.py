from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.server.pages.json_text import MAX_CHARS, pretty, structure


@pytest.mark.parametrize("text", ["", "hello", "12", '"quoted"', "true", "{broken", "[1,", "[" * 100_000])
def test_only_lists_and_objects_are_structures(text: str) -> None:
    assert structure(text) is None


def test_what_programs_write_beside_the_standard_is_read() -> None:
    assert structure(' [NaN, "\\ud800"] ') is not None


def test_a_huge_text_is_not_read() -> None:
    assert structure("[" + " " * MAX_CHARS + "]") is None


def test_json_inside_of_text_is_laid_out_and_other_text_left_alone() -> None:
    assert pretty('{"a":1}') == '{\n  "a": 1\n}'
    assert pretty("as it is {") == "as it is {"


def test_too_deep_a_nesting_is_said() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert pretty(deep) == "(nested too deeply to be laid out)"


@given(st.text())
def test_any_text_can_be_laid_out(text: str) -> None:
    assert isinstance(pretty(text), str)

"""A text that a prompt compiled to leads back to the prompt."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.provenance import PromptRef, current_prompt, recall, remember, using


@given(st.text(min_size=8), st.text(min_size=1), st.integers(min_value=1))
def test_a_remembered_text_is_recalled(text: str, name: str, version: int) -> None:
    remember(text, PromptRef(name, version))
    assert recall(text) == PromptRef(name, version)
    assert recall(text + "?") != PromptRef(name, version) or recall(text + "?") is None


def test_a_short_text_links_nothing() -> None:
    remember("yes", PromptRef("p", 1))
    assert recall("yes") is None


def test_the_table_is_bounded_and_forgets_the_oldest() -> None:
    for n in range(5_000):
        remember(f"text number {n}", PromptRef("p", n))
    assert recall("text number 0") is None
    assert recall("text number 4999") == PromptRef("p", 4999)


def test_using_holds_inside_the_block_and_across_awaits() -> None:
    async def inside() -> PromptRef | None:
        with using(PromptRef("outer", 1)), using(PromptRef("p", 2)):
            await asyncio.sleep(0)
            return current_prompt()

    assert asyncio.run(inside()) == PromptRef("p", 2)
    assert current_prompt() is None

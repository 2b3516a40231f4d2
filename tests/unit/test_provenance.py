"""A text that a prompt compiled to leads back to the prompt."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Fetched:
    """What a prompt client returns, ours or Langfuse's."""

    name: str
    version: int
    is_fallback: bool


def test_a_fallback_links_nothing() -> None:
    with using(Fetched("p", 0, is_fallback=True)):
        assert current_prompt() is None
    with using(Fetched("p", 3, is_fallback=False)):
        assert current_prompt() == PromptRef("p", 3)


def test_a_fallback_hides_the_prompt_of_the_block_around_it() -> None:
    with using(PromptRef("outer", 1)):
        with using(Fetched("p", 0, is_fallback=True)):
            assert current_prompt() is None
        assert current_prompt() == PromptRef("outer", 1)


def test_the_block_ends_when_its_body_raises() -> None:
    with contextlib.suppress(LookupError), using(PromptRef("p", 2)):
        raise LookupError
    assert current_prompt() is None


def test_using_works_as_async_with() -> None:
    async def inside() -> PromptRef | None:
        async with using(PromptRef("p", 2)):
            return current_prompt()

    assert asyncio.run(inside()) == PromptRef("p", 2)


def test_using_decorates_functions_in_several_threads_at_once() -> None:
    both_inside = threading.Barrier(2, timeout=20)
    seen: list[PromptRef | None] = []

    @using(PromptRef("p", 2))
    def call() -> None:
        both_inside.wait()
        seen.append(current_prompt())

    def call_and_look() -> None:
        call()
        seen.append(current_prompt())

    threads = [threading.Thread(target=call_and_look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen.count(PromptRef("p", 2)) == seen.count(None) == 2


def test_using_decorates_coroutine_functions_around_their_awaits() -> None:
    @using(PromptRef("p", 2))
    async def call() -> PromptRef | None:
        await asyncio.sleep(0)
        return current_prompt()

    async def both() -> list[PromptRef | None]:
        return await asyncio.gather(call(), call())

    assert asyncio.run(both()) == [PromptRef("p", 2)] * 2
    assert current_prompt() is None

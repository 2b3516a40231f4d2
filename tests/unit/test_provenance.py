"""A text that a prompt compiled to leads back to the prompt."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.provenance import PromptRef, current_prompt, recall, recall_among, remember, using


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


class TestAmongTheTextsOfACall:
    RULES = PromptRef("rules", 1)
    RULES_TEXT = "Answer in one sentence, and never guess."

    def test_the_first_whole_text_decides(self) -> None:
        remember("the first whole text", PromptRef("first", 1))
        remember("the second whole text", PromptRef("second", 1))
        texts = ["something else", "the first whole text", "the second whole text"]
        assert recall_among(iter(texts)) == PromptRef("first", 1)
        assert recall_among(["something else"]) is None
        assert recall_among([]) is None

    @pytest.mark.parametrize(
        "around", ["{}", "{} And be kind.", "Context:\n{}", "<rules>\n{}\n</rules>", "\n\n{}\n", "a\n" * 15 + "{}"]
    )
    def test_a_compiled_text_is_found_as_a_part_of_another(self, around: str) -> None:
        remember(self.RULES_TEXT, self.RULES)
        assert recall_among(["unrelated", around.format(self.RULES_TEXT)]) == self.RULES

    def test_a_whole_text_counts_more_than_a_part_of_an_earlier_one(self) -> None:
        remember(self.RULES_TEXT, self.RULES)
        remember("a question of its own", PromptRef("question", 1))
        texts = [f"{self.RULES_TEXT} And be kind.", "a question of its own"]
        assert recall_among(texts) == PromptRef("question", 1)

    def test_of_parts_at_one_place_the_longest_counts(self) -> None:
        remember(self.RULES_TEXT, self.RULES)
        longer = f"{self.RULES_TEXT} Cite your source."
        remember(longer, PromptRef("longer", 1))
        assert recall_among([f"{longer} Thanks"]) == PromptRef("longer", 1)
        assert recall_among([f"{self.RULES_TEXT} Thanks"]) == self.RULES

    def test_variants_of_one_template_are_told_apart(self) -> None:
        for number in range(8):
            remember(f"You are the assistant of the customer {'x' * number}.", PromptRef("p", number + 1))
        for number in range(8):
            text = f"You are the assistant of the customer {'x' * number}. Be brief."
            assert recall_among([text]) == PromptRef("p", number + 1)

    def test_the_newest_variant_is_found_however_many_there_were(self) -> None:
        for number in range(200):
            text = f"The documents to answer from are these: {'x' * number}."
            remember(text, PromptRef("p", number + 1))
            assert recall_among([f"{text} Go!"]) == PromptRef("p", number + 1)

    @pytest.mark.parametrize("text", ["within a line: {}", "a\n" * 16 + "{}"], ids=["in a line", "far down"])
    def test_where_it_is_not_looked_for_it_is_not_found(self, text: str) -> None:
        remember(self.RULES_TEXT, self.RULES)
        assert recall_among([text.format(self.RULES_TEXT)]) is None

    def test_a_short_text_is_no_part_of_anything(self) -> None:
        remember("You are helpful.", PromptRef("p", 1))
        assert recall_among(["You are helpful. Or are you?"]) is None

    @given(st.text(min_size=32), st.text(st.characters(exclude_characters="\n")))
    def test_any_text_at_the_beginning_of_any_other(self, text: str, rest: str) -> None:
        remember(text, PromptRef("any", 1))
        found = recall_among([text + rest])
        assert found is not None  # perhaps that of a longer text from an earlier example


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


def test_using_carries_the_label_that_chose_the_version() -> None:
    with using(PromptRef("p", 2, "challenger")):
        inside = current_prompt()
    assert inside is not None
    assert inside.label == "challenger"
    assert PromptRef("p", 2, "challenger") == PromptRef("p", 2)

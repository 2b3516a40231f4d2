"""Functions as observations: same results, same exceptions, same kind of function."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncIterator, Iterator

import pytest

from langfuse_otel.tracing import current_observation, observe
from support.told import Told


def test_a_call_is_told_with_arguments_and_result(told: Told) -> None:
    @observe
    def add(one: int, two: int = 2) -> int:
        """Adds."""
        return one + two

    assert add(1) == 3
    assert (add.__name__, add.__doc__) == ("add", "Adds.")
    assert (told.one.name, told.one.input, told.one.output) == ("add", '{"one":1}', "3")


def test_name_type_and_what_is_captured_can_be_chosen(told: Told) -> None:
    @observe(name="look up", type="tool", capture_input=False, capture_output=False)
    def secret(password: str) -> str:
        return password

    assert secret("x") == "x"
    assert (told.one.name, told.one.type, told.one.input, told.one.output) == ("look up", "tool", None, None)


def test_a_method_does_not_record_its_object(told: Told) -> None:
    class Shop:
        @observe
        def price(self, item: str) -> int:
            return 7

    assert Shop().price("tea") == 7
    assert told.one.input == '{"item":"tea"}'


def test_an_exception_is_the_same_and_is_told(told: Told) -> None:
    error = ValueError("no tea")

    @observe
    def fail() -> None:
        raise error

    with pytest.raises(ValueError) as raised:
        fail()
    assert raised.value is error
    assert told.one.status_message == "ValueError: no tea"


def test_a_wrong_call_raises_what_it_always_raised(told: Told) -> None:
    @observe
    def one(argument: int) -> int:
        return argument

    with pytest.raises(TypeError, match="argument"):
        one()  # type: ignore[call-arg]


def test_calls_nest(told: Told) -> None:
    @observe
    def inner() -> None:
        current_observation().update(metadata={"deep": True})

    @observe
    def outer() -> None:
        inner()

    outer()
    first, second = told.all
    assert first.parent_span_id == second.span_id
    assert first.metadata["deep"] is True


def test_a_coroutine_function_stays_one(told: Told) -> None:
    @observe
    async def answer(question: str) -> str:
        await asyncio.sleep(0)
        return question.upper()

    assert inspect.iscoroutinefunction(answer)
    assert asyncio.run(answer("hi")) == "HI"
    assert told.one.output == "HI"


def test_a_cancelled_coroutine_is_told_and_stays_cancelled(told: Told) -> None:
    @observe
    async def wait() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert told.one.level == "ERROR"


class TestGenerators:
    def test_values_pass_through_and_texts_are_joined(self, told: Told) -> None:
        @observe
        def words() -> Iterator[str]:
            yield "Hel"
            yield "lo"

        assert inspect.isgeneratorfunction(words)
        assert list(words()) == ["Hel", "lo"]
        assert told.one.output == "Hello"

    def test_other_values_are_listed(self, told: Told) -> None:
        @observe
        def numbers() -> Iterator[int]:
            yield 1
            yield 2

        assert list(numbers()) == [1, 2]
        assert told.one.output == "[1,2]"

    def test_what_is_sent_thrown_and_returned_arrives(self, told: Told) -> None:
        @observe
        def talk():  # type: ignore[no-untyped-def]
            got = yield "first"
            try:
                yield got
            except KeyError as error:
                yield repr(error)
            return "end"

        conversation = talk()
        assert next(conversation) == "first"
        assert conversation.send("second") == "second"
        assert conversation.throw(KeyError("third")) == "KeyError('third')"
        with pytest.raises(StopIteration) as stop:
            next(conversation)
        assert stop.value.value == "end"
        assert told.one.level == "DEFAULT"

    def test_one_that_is_closed_early_ends_with_what_it_had(self, told: Told) -> None:
        cleaned: list[bool] = []

        @observe
        def words() -> Iterator[str]:
            try:
                yield "Hel"
                yield "lo"
            finally:
                cleaned.append(True)

        stream = words()
        next(stream)
        stream.close()
        assert cleaned == [True]
        assert (told.one.output, told.one.level) == ("Hel", "DEFAULT")

    def test_one_that_is_dropped_ends_too(self, told: Told) -> None:
        @observe
        def words() -> Iterator[str]:
            yield "Hel"
            yield "lo"

        stream = words()
        next(stream)
        del stream
        gc.collect()
        assert told.one.output == "Hel"

    def test_an_exception_in_the_middle_is_told(self, told: Told) -> None:
        @observe
        def words() -> Iterator[str]:
            yield "Hel"
            raise OSError("cut off")

        with pytest.raises(OSError, match="cut off"):
            list(words())
        assert (told.one.output, told.one.status_message) == ("Hel", "OSError: cut off")

    def test_between_two_values_the_caller_is_not_inside(self, told: Told) -> None:
        @observe
        def words() -> Iterator[str]:
            inner()
            yield "Hel"
            inner()

        @observe
        def inner() -> None: ...

        for _ in words():
            inner()
        *inside, outer = sorted(told.all, key=lambda one: one.name == "words")
        assert [one.parent_span_id for one in inside] == [outer.span_id, None, outer.span_id]

    def test_an_async_generator_behaves_like_a_sync_one(self, told: Told) -> None:
        @observe
        async def words() -> AsyncIterator[str]:
            yield "Hel"
            await asyncio.sleep(0)
            yield "lo"

        async def main() -> list[str]:
            return [word async for word in words()]

        assert inspect.isasyncgenfunction(words)
        assert asyncio.run(main()) == ["Hel", "lo"]
        assert told.one.output == "Hello"

    def test_an_async_generator_that_is_closed_early_ends_with_what_it_had(self, told: Told) -> None:
        cleaned: list[bool] = []

        @observe
        async def words() -> AsyncIterator[str]:
            try:
                yield "Hel"
                yield "lo"
            finally:
                cleaned.append(True)

        async def main() -> None:
            stream = words()
            await stream.__anext__()
            await stream.aclose()  # type: ignore[attr-defined]

        asyncio.run(main())
        assert cleaned == [True]
        assert told.one.output == "Hel"

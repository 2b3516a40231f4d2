"""Blocks of a streamed message."""

from __future__ import annotations

from langfuse_otel.instrumentation.blocks import Blocks


def test_blocks_grow_where_their_pieces_say_and_come_in_order() -> None:
    blocks = Blocks()
    blocks.begin(1, {"use": {"id": "t1", "input": {}}})
    blocks.grow(1, ("use", "input"), '{"a":')
    blocks.grow(0, ("text",), "Hel")
    blocks.grow(1, ("use", "input"), "1}")
    blocks.grow(0, ("text",), "lo")
    assert blocks.joined() == [{"text": "Hello"}, {"use": {"id": "t1", "input": '{"a":1}'}}]


def test_the_first_words_may_come_with_the_beginning() -> None:
    blocks = Blocks()
    blocks.begin(0, {"text": "Hel"})
    blocks.grow(0, ("text",), "lo")
    assert blocks.joined() == blocks.joined() == [{"text": "Hello"}]


def test_a_block_that_never_grows_stays_as_it_began() -> None:
    blocks = Blocks()
    blocks.begin(0, {"use": {"input": {}}})
    assert blocks.joined() == [{"use": {"input": {}}}]

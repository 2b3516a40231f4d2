"""Packing spans into requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langfuse_otel.delivery.batch import Batch, Item, halves, max_load_bytes, pack
from langfuse_otel.settings import load
from langfuse_otel.wire.encoded import Encoded
from support.spans import finished

SPAN = finished()[0]


def items(*sizes: int, group: bytes = b"") -> list[Item]:
    return [Item(SPAN, Encoded(group, bytes(size), "otlp")) for size in sizes]


def sizes(batches: list[Batch]) -> list[list[int]]:
    return [[len(item.encoded.body) for item in batch] for batch in batches]


def test_a_batch_is_filled_to_its_bytes() -> None:
    assert sizes(pack(items(4, 4, 4, 4), 8)) == [[4, 4], [4, 4]]


def test_a_span_over_the_limit_goes_alone() -> None:
    assert sizes(pack(items(1, 100, 1), 10)) == [[1], [100], [1]]


def test_the_group_counts_as_the_wire_asks() -> None:
    assert sizes(pack(items(4, 4, group=b"12"), 8)) == [[4], [4]]


def test_nothing_makes_no_batch() -> None:
    assert pack([], 10) == []


@given(st.lists(st.integers(0, 50)), st.integers(1, 100))
def test_packing_keeps_every_span_in_order_and_the_limit(lengths: list[int], limit: int) -> None:
    batches = sizes(pack(items(*lengths), limit))

    assert [length for batch in batches for length in batch] == lengths
    assert all(sum(batch) <= limit or len(batch) == 1 for batch in batches)


@given(st.integers(2, 1_000))
def test_halves_are_never_empty_and_keep_the_order(count: int) -> None:
    batch = tuple(items(*[1] * count))
    left, right = halves(batch)

    assert left and right
    assert left + right == batch


def test_what_goes_to_different_endpoints_is_never_in_one_batch() -> None:
    mixed = [Item(SPAN, Encoded(b"", bytes(3), wire)) for wire in ("otlp", "scores", "otlp", "scores", "otlp")]
    assert [[item.encoded.wire for item in batch] for batch in pack(mixed, 6)] == [
        ["otlp", "otlp"],
        ["scores", "scores"],
        ["otlp"],
    ]


@pytest.mark.parametrize(
    ("settings", "most"),
    [
        ({}, 64 * 1024 * 1024 // 40),
        ({"max_queue_bytes": 1 << 40}, 4_000_000),
        ({"max_concurrent_requests": 1}, 4_000_000),
        ({"max_queue_bytes": 1_000_000}, 256 * 1024),
        ({"max_batch_bytes": 10_000}, 10_000),
    ],
    ids=["by default", "much memory", "one request at a time", "little memory", "small requests"],
)
def test_what_all_workers_load_is_a_request_each_and_a_tenth_of_the_queue_at_most(
    settings: dict[str, int], most: int
) -> None:
    assert max_load_bytes(load({}, **settings)) == most

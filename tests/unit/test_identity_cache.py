"""Work done once for objects that are shared."""

from __future__ import annotations

from langfuse_otel import identity_cache
from langfuse_otel.identity_cache import IdentityCache


def test_the_same_objects_give_the_same_value_and_equal_ones_do_not() -> None:
    cache = IdentityCache(lambda *objects: object())
    first, equal = [1], [1]

    assert cache.of(first, None) is cache.of(first, None)
    assert cache.of(first, None) is not cache.of(equal, None)


def test_objects_without_end_do_not_fill_the_memory() -> None:
    cache = IdentityCache(lambda built: built)
    kept = [object() for _ in range(3 * identity_cache._MAX_ENTRIES)]

    assert all(cache.of(one) is one for one in kept)
    assert len(cache._entries) <= identity_cache._MAX_ENTRIES

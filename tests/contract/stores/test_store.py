"""What every store has to do (``prompts/stores/base.py``)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langfuse_otel.prompts.models import Selector
from langfuse_otel.prompts.stores.base import Store, StoreKey, prompt_id, store_key

PATIENCE_S = 20.0
KEY = store_key("here", Selector("p"))
OTHER_LABEL = store_key("here", Selector("p", label="beta"))
OTHER_PROMPT = store_key("here", Selector("p2"))

Connect = Callable[[], Store]


def put(store: Store, key: StoreKey, value: bytes, owner: str = "me") -> bool:
    """As a tier does it: lock, put."""
    assert store.lock(key.prompt, owner=owner, expiry_s=PATIENCE_S)
    return store.put(key, value, owner=owner)


class TestValues:
    def test_nothing_is_there_at_first(self, store: Store) -> None:
        assert store.get(KEY) is None

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
    @given(value=st.binary(min_size=1, max_size=5_000))
    def test_a_value_comes_back_as_it_was_put(self, store: Store, value: bytes) -> None:
        assert put(store, KEY, value)
        assert store.get(KEY) == value

    def test_other_users_see_it(self, connect: Connect) -> None:
        put(connect(), KEY, b"value")
        assert connect().get(KEY) == b"value"

    def test_labels_and_prompts_are_kept_apart(self, store: Store) -> None:
        for number, key in enumerate((KEY, OTHER_LABEL, OTHER_PROMPT)):
            put(store, key, b"%d" % number)
        assert [store.get(key) for key in (KEY, OTHER_LABEL, OTHER_PROMPT)] == [b"0", b"1", b"2"]

    def test_the_last_one_counts(self, store: Store) -> None:
        put(store, KEY, b"old")
        put(store, KEY, b"new")
        assert store.get(KEY) == b"new"

    def test_the_largest_value_fits(self, store: Store) -> None:
        value = os.urandom(min(store.max_bytes, 1_000_000))
        put(store, KEY, value)
        assert store.get(KEY) == value

    def test_forget_concerns_one_prompt_and_all_of_it(self, store: Store) -> None:
        for key in (KEY, OTHER_LABEL, OTHER_PROMPT):
            put(store, key, b"value")
        store.forget(KEY.prompt)
        assert [store.get(key) for key in (KEY, OTHER_LABEL, OTHER_PROMPT)] == [None, None, b"value"]

    def test_names_of_any_kind_make_keys(self, store: Store) -> None:
        names = ["a/b", "../../etc", "\r\nSET x", "x" * 10_000, "ünï", "a\0b", "%2f", "{tag}", "CON", "*"]
        for name in names:
            put(store, store_key("here", Selector(name)), name.encode())
        assert [store.get(store_key("here", Selector(name))) for name in names] == [name.encode() for name in names]


class TestLocks:
    def test_one_user_holds_it(self, connect: Connect) -> None:
        one, two = connect(), connect()
        assert one.lock("p", owner="one", expiry_s=PATIENCE_S)
        assert not two.lock("p", owner="two", expiry_s=PATIENCE_S)
        assert two.lock("p2", owner="two", expiry_s=PATIENCE_S)

    def test_of_many_at_once_one_gets_it(self, connect: Connect) -> None:
        stores = [connect() for _ in range(4)]
        ready = threading.Barrier(16)

        def try_it(number: int) -> bool:
            ready.wait(PATIENCE_S)
            return stores[number % 4].lock("p", owner=str(number), expiry_s=PATIENCE_S)

        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(try_it, range(16))) == 1

    def test_who_holds_it_may_ask_again(self, store: Store) -> None:
        """After an answer that was lost on the way."""
        assert store.lock("p", owner="me", expiry_s=PATIENCE_S)
        assert store.lock("p", owner="me", expiry_s=PATIENCE_S)
        assert store.claim(StoreKey("p", "label:production"), owner="me", expiry_s=PATIENCE_S) is True

    def test_it_is_free_after_unlock(self, connect: Connect) -> None:
        one, two = connect(), connect()
        one.lock("p", owner="one", expiry_s=PATIENCE_S)
        one.unlock("p", owner="one")
        assert two.lock("p", owner="two", expiry_s=PATIENCE_S)

    def test_nobody_else_can_unlock_it(self, connect: Connect) -> None:
        one, two = connect(), connect()
        one.lock("p", owner="one", expiry_s=PATIENCE_S)
        two.unlock("p", owner="two")
        assert not two.lock("p", owner="two", expiry_s=PATIENCE_S)

    def test_it_is_free_after_its_expiry(self, connect: Connect) -> None:
        one, two = connect(), connect()
        assert one.lock("p", owner="one", expiry_s=0.05)
        expired = threading.Event()
        for _ in range(200):
            if two.lock("p", owner="two", expiry_s=PATIENCE_S):
                break
            expired.wait(0.05)
        assert not one.lock("p", owner="one", expiry_s=PATIENCE_S)  # two has it

    def test_forget_frees_it(self, connect: Connect) -> None:
        one, two = connect(), connect()
        one.lock("p", owner="one", expiry_s=PATIENCE_S)
        two.forget("p")
        assert two.lock("p", owner="two", expiry_s=PATIENCE_S)


class TestClaims:
    def test_what_is_there_is_taken_and_nothing_locked(self, connect: Connect) -> None:
        one, two = connect(), connect()
        put(one, KEY, b"value")
        assert two.claim(KEY, owner="two", expiry_s=PATIENCE_S) == b"value"
        assert one.lock(KEY.prompt, owner="one", expiry_s=PATIENCE_S)

    def test_of_many_who_find_nothing_one_gets_the_lock(self, connect: Connect) -> None:
        stores = [connect() for _ in range(4)]
        claims = [store.claim(KEY, owner=str(number), expiry_s=PATIENCE_S) for number, store in enumerate(stores)]
        assert claims == [True, False, False, False]
        assert stores[0].put(KEY, b"value", owner="0")
        assert [store.claim(KEY, owner="again", expiry_s=PATIENCE_S) for store in stores] == [b"value"] * 4

    def test_put_frees_the_lock(self, connect: Connect) -> None:
        one, two = connect(), connect()
        put(one, KEY, b"value")
        assert two.lock(KEY.prompt, owner="two", expiry_s=PATIENCE_S)


class TestFences:
    """An answer from before can never replace a newer one."""

    def test_nothing_is_put_without_the_lock(self, store: Store) -> None:
        assert not store.put(KEY, b"value", owner="me")
        assert store.get(KEY) is None

    def test_nor_with_the_lock_of_another(self, connect: Connect) -> None:
        one, two = connect(), connect()
        one.lock(KEY.prompt, owner="one", expiry_s=PATIENCE_S)
        assert not two.put(KEY, b"value", owner="two")

    def test_nor_with_one_that_was_lost(self, connect: Connect) -> None:
        slow, quick = connect(), connect()
        slow.lock(KEY.prompt, owner="slow", expiry_s=PATIENCE_S)
        quick.forget(KEY.prompt)
        put(quick, KEY, b"new", "quick")
        assert not slow.put(KEY, b"old", owner="slow")
        assert quick.get(KEY) == b"new"


class TestNews:
    def test_all_others_hear_of_it(self, connect: Connect) -> None:
        sender, *others = (connect() for _ in range(3))
        for store in (sender, *others):
            store.messages(0.01)  # from now on
        sender.announce(b"one")
        sender.announce(b"two")
        for store in others:
            assert _heard(store, 2) == [b"one", b"two"]
        assert sender.messages(0.01) == []

    def test_nobody_waits_for_longer_than_said(self, store: Store) -> None:
        assert list(store.messages(0.01)) == []


def _heard(store: Store, count: int) -> list[bytes]:
    heard: list[bytes] = []
    for _ in range(200):
        heard += store.messages(0.1)
        if len(heard) >= count:
            break
    return heard


@pytest.mark.parametrize("connect", ["disk", "redis"], indirect=True)
def test_a_forked_child_uses_it_and_so_does_the_parent(connect: Connect) -> None:
    store = connect()
    put(store, KEY, b"parent")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            put(store, OTHER_PROMPT, b"child")
            status = 0 if store.get(KEY) == b"parent" else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert store.get(OTHER_PROMPT) == b"child"
    put(store, KEY, b"again")
    assert store.get(KEY) == b"again"


text = st.text(max_size=20)


@given(st.tuples(text, text), st.tuples(text, text))
def test_two_prompts_have_one_id_only_if_they_are_the_same(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (prompt_id(*one) == prompt_id(*other)) is (one == other)

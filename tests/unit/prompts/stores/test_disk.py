"""The disk tier: private, whole or not at all, and replaced when it is damaged. What all stores do: tests/contract."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from langfuse_otel import private_directory
from langfuse_otel.private_directory import UnsafeDirectoryError
from langfuse_otel.prompts.models import Selector
from langfuse_otel.prompts.stores.base import store_key
from langfuse_otel.prompts.stores.disk import KEEP_S, DiskStore
from support.clock import FakeClock
from support.held_lock import held_by_another_thread

KEY = store_key("here", Selector("p"))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "prompts"


@pytest.fixture
def store(directory: Path) -> Iterator[DiskStore]:
    made = DiskStore(directory)
    yield made
    made.close()


def put(store: DiskStore, value: bytes = b"value") -> None:
    assert store.lock(KEY.prompt, owner="me", expiry_s=20.0)
    assert store.put(KEY, value, owner="me")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestPrivacy:
    def test_nobody_else_can_read_any_of_it(self, directory: Path) -> None:
        before = os.umask(0)
        try:
            store = DiskStore(directory)
            put(store)
        finally:
            os.umask(before)
        assert mode(directory) == 0o700
        assert {mode(path) for path in directory.iterdir()} == {0o600}
        assert len(list(directory.iterdir())) == 3  # the database, its journal and its index

    def test_a_directory_that_others_may_write_into_is_refused(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        directory.chmod(0o777)
        with pytest.raises(UnsafeDirectoryError, match="chmod 700"):
            DiskStore(directory).get(KEY)

    def test_nothing_is_touched_before_it_is_used(self, directory: Path) -> None:
        store = DiskStore(directory)
        assert not directory.parent.exists()
        assert store.get(KEY) is None
        assert mode(directory) == 0o700

    @pytest.mark.parametrize("kind", ["symlink", "hardlink", "fifo", "directory"])
    def test_nor_is_what_was_put_in_the_place_of_the_file(self, directory: Path, tmp_path: Path, kind: str) -> None:
        store = DiskStore(directory)
        private_directory.prepare(directory)
        planted, victim = directory / "prompts-v1.db", tmp_path / "victim"
        victim.write_bytes(b"")
        if kind == "symlink":
            planted.symlink_to(victim)
        elif kind == "hardlink":
            planted.hardlink_to(victim)
        elif kind == "fifo":
            os.mkfifo(planted)
        else:
            planted.mkdir()
        with pytest.raises((UnsafeDirectoryError, OSError)):
            store.get(KEY)
        assert victim.read_bytes() == b""


class TestDamage:
    @pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 5_000])
    def test_a_damaged_file_is_replaced(self, directory: Path, content: bytes) -> None:
        store = DiskStore(directory)
        private_directory.prepare(directory)
        (directory / "prompts-v1.db").write_bytes(content)
        with pytest.raises(sqlite3.DatabaseError):
            store.get(KEY)
        put(store)
        assert store.get(KEY) == b"value"

    def test_one_that_is_damaged_while_it_is_in_use_is_replaced_for_all_processes(self, directory: Path) -> None:
        one, two = DiskStore(directory), DiskStore(directory)
        put(one)
        assert two.get(KEY) == b"value"
        one.close()
        two.close()
        path = directory / "prompts-v1.db"
        path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 50_000)
        for store in (one, two, one, two):
            try:
                store.get(KEY)
            except sqlite3.DatabaseError:
                continue
        put(one, b"anew")
        assert two.get(KEY) == b"anew"

    def test_one_that_was_removed_is_made_anew(self, store: DiskStore, directory: Path) -> None:
        put(store)
        for path in directory.iterdir():
            path.unlink()
        assert store.get(KEY) is None
        put(store)
        assert DiskStore(directory).get(KEY) == b"value"

    def test_a_value_of_another_type_is_a_miss(self, store: DiskStore, directory: Path) -> None:
        put(store)
        with sqlite3.connect(directory / "prompts-v1.db") as other:
            other.execute("UPDATE prompts SET value = 'text'")
        assert store.get(KEY) is None


class TestTime:
    def test_what_nobody_renewed_for_a_month_is_removed(self, directory: Path, clock: FakeClock) -> None:
        put(DiskStore(directory, clock=clock))
        clock.sleep(KEEP_S - 1)
        assert DiskStore(directory, clock=clock).get(KEY) == b"value"
        clock.sleep(2)
        assert DiskStore(directory, clock=clock).get(KEY) is None

    def test_a_lock_from_before_a_restart_of_the_host_is_none(self, directory: Path, clock: FakeClock) -> None:
        store = DiskStore(directory, clock=clock)
        clock.sleep(1e7)
        assert store.lock("p", owner="before", expiry_s=5.0)
        clock.sleep(-1e7)
        assert store.lock("p", owner="after", expiry_s=5.0)


class TestJournal:
    """SQLite removes its journal with the last connection, and knows of others only by their locks in the file."""

    def test_a_forked_child_does_not_lose_it_when_the_parent_closes_the_file(
        self, store: DiskStore, directory: Path
    ) -> None:
        put(store, b"parent")
        closed, go_on = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.close(go_on)
                put(store, b"child")
                os.read(closed, 1)
                status = 0 if store.get(KEY) == b"after" else 2
            finally:
                os._exit(status)
        try:
            other = DiskStore(directory)
            while other.get(KEY) != b"child":
                pass
            store.close()
            other.close()
            put(other, b"after")
        finally:
            os.close(go_on)
            os.close(closed)
        assert os.waitpid(child, 0)[1] == 0

    def test_nor_does_a_process_that_opens_the_file_twice_when_another_closes_it(
        self, store: DiskStore, directory: Path
    ) -> None:
        put(store, b"old")
        second = DiskStore(directory)
        assert second.get(KEY) == b"old"
        other = f"""
from pathlib import Path
from langfuse_otel.prompts.stores.base import StoreKey
from langfuse_otel.prompts.stores.disk import DiskStore
store, key = DiskStore({str(directory)!r}), StoreKey{tuple(KEY)!r}
assert store.lock(key.prompt, owner="other", expiry_s=20.0) and store.put(key, b"new", owner="other")
store.close()
"""
        for _ in range(2):
            subprocess.run([sys.executable, "-c", other], check=True, timeout=60)
            assert [store.get(KEY), second.get(KEY)] == [b"new", b"new"]
            put(store, b"old")
        second.close()

    def test_a_child_forked_while_a_thread_uses_the_file_leaves_it_alone(self, store: DiskStore) -> None:
        put(store, b"parent")
        with held_by_another_thread(store._lock):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    store.get(KEY)
                except sqlite3.OperationalError:
                    status = 0
                finally:
                    os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert store.get(KEY) == b"parent"


def test_a_process_killed_while_it_writes_leaves_a_whole_value(directory: Path) -> None:
    """Readers see one value or the other, never a mixture, however often writers die."""
    program = f"""
import os, sys
from langfuse_otel import private_directory
from langfuse_otel.private_directory import UnsafeDirectoryError
from langfuse_otel.prompts.models import Selector
from langfuse_otel.prompts.stores.base import store_key
from langfuse_otel.prompts.stores.disk import DiskStore
store, key = DiskStore({str(directory)!r}), store_key("here", Selector("p"))
for number in range(1_000_000):
    owner = str(number)
    value = bytes([number % 256]) * 20_000
    if store.lock(key.prompt, owner=owner, expiry_s=0.2) and store.put(key, value, owner=owner):
        print("put", flush=True)
"""
    reader = DiskStore(directory)
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        assert writer.stdout
        writer.stdout.readline()
        for _ in range(200):
            value = reader.get(KEY)
            assert value is not None
            assert len(value) == 20_000
            assert len(set(value)) == 1
        writer.kill()
        writer.wait()
        writer.stdout.close()
    reader.close()

"""One of the processes that share the disk tier: what it does until it is killed."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import sys
import time
from functools import partial
from pathlib import Path

from bench.prompt_soak.board import PROMPTS, Board
from langfuse_otel.errors import LangfuseError
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.models import Selector, TextPrompt
from langfuse_otel.prompts.network import Want
from langfuse_otel.prompts.record import Codec, Record
from langfuse_otel.prompts.stores.base import StoreKey, store_key
from langfuse_otel.prompts.stores.disk import DiskStore
from langfuse_otel.prompts.tiers import SharedTier

LOCK_S = 0.5  # of those who are killed while they hold one
DEADLINE_S = 5.0
VERSIONS_A_SECOND = 1_000
SCOPE, SIGNING_KEY = "here", b"soak"
BEGAN_AT = time.time()


class Worker:
    """One process: reads, renews, invalidates and damages prompts until it is killed."""

    def __init__(self, directory: Path, board: Board, slot: int) -> None:
        self._board, self._slot = board, slot
        self._store = WatchedStore(directory, board, slot)
        self._counters = PromptCounters()
        self._tier = SharedTier(
            self._store, Publisher(), scope=SCOPE, codec=Codec(SIGNING_KEY), counters=self._counters, lock_s=LOCK_S
        )
        self._had: dict[int, Record] = {}
        self._random = random.Random()

    def run(self) -> None:
        failures = 0
        while True:
            number, dice = self._random.randrange(PROMPTS), self._random.random()
            if dice < 0.005:
                self._tier.forget(name_of(number))
            elif dice < 0.01:
                with contextlib.suppress(sqlite3.Error):
                    self._put_junk(number)
            else:
                self._read(number, is_renewal=dice < 0.3)
            now = sum(self._counters.store_failures.values())
            self._board.add(self._slot, "store_failures", now - failures)
            failures = now

    def _read(self, number: int, *, is_renewal: bool) -> None:
        board, slot = self._board, self._slot
        had = self._had.get(number) if is_renewal else None
        newest = board.newest(number)
        want = Want(time.monotonic() + DEADLINE_S, newer_than=had.asked_at if had else None)
        try:
            record = self._tier.read(Selector(name_of(number)), want)
        except LangfuseError as error:
            board.add(slot, "failed")
            print(f"{name_of(number)}: {type(error).__name__}: {error}", file=sys.stderr)
            return
        prompt = record.prompt
        assert isinstance(prompt, TextPrompt)
        board.add(slot, "reads")
        board.add(slot, "torn", prompt.prompt != _text(prompt.name, prompt.version))
        board.add(slot, "older", had is not None and had.prompt is not None and prompt.version < had.prompt.version)
        if record.source == "disk":
            board.add(slot, "from_disk")
            board.add(slot, "older", prompt.version < newest)
            board.saw(slot, number, prompt.version)
        self._had[number] = record

    def _put_junk(self, number: int) -> None:
        """Cut what is there, turn over one of its bits, or replace it."""
        key, owner = key_of(number), os.urandom(8).hex()
        value = self._store.get(key)
        if value is None or not self._store.lock(key.prompt, owner=owner, expiry_s=LOCK_S):
            return
        at = self._random.randrange(len(value))
        turned = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
        junk = self._random.choice([value[:at], turned, os.urandom(len(value))])
        self._board.add(self._slot, "junk", self._store.put(key, junk, owner=owner))


class WatchedStore(DiskStore):
    """Shows on the board when it writes a value, so that it can be told who was killed in the middle of that."""

    def __init__(self, directory: Path, board: Board, slot: int) -> None:
        super().__init__(directory)
        self._show = partial(board.add, slot, "is_writing")

    def put(self, key: StoreKey, value: bytes, *, owner: str) -> bool:
        self._show(1)
        try:
            return super().put(key, value, owner=owner)
        finally:
            self._show(-1)


class Publisher:
    """Langfuse, in which a new version of every prompt is published each millisecond: later asked is never older."""

    def read(self, selector: Selector, want: Want) -> Record:
        asked_at = time.time()
        time.sleep(random.uniform(0.0, 0.003))
        version = int((asked_at - BEGAN_AT) * VERSIONS_A_SECOND) + 1
        return Record(TextPrompt(name=selector.name, version=version, prompt=_text(selector.name, version)), asked_at)


def _text(name: str, version: int) -> str:
    """Of another length in each version, up to several pages of SQLite's, and from the first to the last its own."""
    return f"{name} {version}\n" * (1 + version % 1_500)


def name_of(number: int) -> str:
    return f"soak/{number}"


def key_of(number: int) -> StoreKey:
    return store_key(SCOPE, Selector(name_of(number)))

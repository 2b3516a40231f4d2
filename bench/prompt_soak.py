"""What the prompt cache promises, in large numbers: processes that die, names that read alike, names without end.

``python -m bench.prompt_soak`` kills 1,000 of the processes that share the disk tier, tries 1,000,000 pairs of keys and
reads 1,000,000 names; ``--kills``, ``--pairs`` and ``--names`` set other numbers, and 0 leaves a part out. It prints
what it found as JSON, with the bars that were ``missed``, and exits with 1 if there are any.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
import timeit
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any, TypeAlias

from langfuse_otel.errors import InvalidRequestError, LangfuseError, NotFoundError
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.cache import MemoryCache, key_of
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.known import scope_of
from langfuse_otel.prompts.models import Prompt, Selector, TextPrompt
from langfuse_otel.prompts.network import Want
from langfuse_otel.prompts.record import Codec, Record
from langfuse_otel.prompts.stores.base import StoreKey, store_key
from langfuse_otel.prompts.stores.disk import DiskStore
from langfuse_otel.prompts.tiers import SharedTier
from langfuse_otel.settings import load

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

PROCESSES, PROMPTS = 8, 16
KILLS_A_SECOND = 30
KILLS_A_DAMAGE = 5
AIM_S = 0.02
LOCK_S = 0.5  # of those who are killed while they hold one
DEADLINE_S = 5.0
SETTLE_S = 2.0  # longer than a lock, and than the way to a store that failed stays shut
VERSIONS_A_SECOND = 1_000
MAX_HIT_US = 1.0
SCOPE, SIGNING_KEY = "here", b"soak"
BEGAN_AT = time.time()


# --- The disk tier, shared by processes that are killed ---------------------------------------------------------------


class Board:
    """What the processes found, in memory that they share and that outlives them. Each has a row of its own."""

    COLUMNS = ("reads", "from_disk", "torn", "older", "failed", "store_failures", "junk", "is_writing")

    def __init__(self) -> None:
        self._counts = RawArray(ctypes.c_int64, PROCESSES * len(self.COLUMNS))
        self._seen = RawArray(ctypes.c_int64, PROCESSES * PROMPTS)

    def add(self, slot: int, column: str, count: int = 1) -> None:
        self._counts[slot * len(self.COLUMNS) + self.COLUMNS.index(column)] += count

    def of(self, slot: int, column: str) -> int:
        return self._counts[slot * len(self.COLUMNS) + self.COLUMNS.index(column)]

    def total(self, column: str) -> int:
        return sum(self.of(slot, column) for slot in range(PROCESSES))

    def saw(self, slot: int, number: int, version: int) -> None:
        self._seen[slot * PROMPTS + number] = max(version, self._seen[slot * PROMPTS + number])

    def newest(self, number: int) -> int:
        """The newest version that any process has found in the store so far."""
        return max(self._seen[number::PROMPTS])


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
                self._tier.forget(_name(number))
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
            record = self._tier.read(Selector(_name(number)), want)
        except LangfuseError as error:
            board.add(slot, "failed")
            print(f"{_name(number)}: {type(error).__name__}: {error}", file=sys.stderr)
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
        key, owner = _key(number), os.urandom(8).hex()
        value = self._store.get(key)
        if value is None or not self._store.lock(key.prompt, owner=owner, expiry_s=LOCK_S):
            return
        at = self._random.randrange(len(value))
        turned = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
        junk = self._random.choice([value[:at], turned, os.urandom(len(value))])
        self._board.add(self._slot, "junk", self._store.put(key, junk, owner=owner))


@dataclass
class Host:
    """The processes, and the one that forks them, which has the store open now and then as a prefork server has it."""

    directory: Path
    board: Board = field(default_factory=Board)
    pids: list[int] = field(default_factory=list)
    died: int = 0

    def start(self, slot: int) -> int:
        child = os.fork()
        if child == 0:
            try:
                Worker(self.directory, self.board, slot).run()
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        return child

    def kill(self, slot: int) -> bool:
        """Whether it was writing."""
        was_writing = self.board.of(slot, "is_writing")
        os.kill(self.pids[slot], signal.SIGKILL)
        status = os.waitpid(self.pids[slot], 0)[1]
        self.died += not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL
        self.board.add(slot, "is_writing", -self.board.of(slot, "is_writing"))
        return was_writing > 0


def share_disk(kills: int, *, damages: bool = False) -> dict[str, Any]:
    """Kill processes that share a file; with ``damages``, damage the file as well, in another way each time."""
    with tempfile.TemporaryDirectory() as folder:
        host = Host(Path(folder) / "prompts")
        board, store = host.board, DiskStore(host.directory)
        store.get(_key(0))
        host.pids = [host.start(slot) for slot in range(PROCESSES)]
        in_a_write = 0
        try:
            for number in range(kills):
                time.sleep(random.uniform(0.0, 2.0 / KILLS_A_SECOND))
                if damages and number % KILLS_A_DAMAGE == 0:
                    store.close()  # else our own locks in it end with the damage
                    _damage(next(host.directory.glob("*.db")), number // KILLS_A_DAMAGE)
                slot = _writer(board) if number % 2 else random.randrange(PROCESSES)
                in_a_write += host.kill(slot)
                with contextlib.suppress(sqlite3.Error):
                    store.close() if number % 4 == 0 else store.get(_key(0))
                host.pids[slot] = host.start(slot)
            time.sleep(SETTLE_S)
            before = [board.of(slot, "from_disk") for slot in range(PROCESSES)]
            time.sleep(1.0)
            served = sum(board.of(slot, "from_disk") > before[slot] for slot in range(PROCESSES))
        finally:
            for slot in range(len(host.pids)):
                host.kill(slot)
        store.close()
        found: dict[str, Any] = {
            "kills": kills,
            "in_a_write": in_a_write,
            "died": host.died,
            "served_at_the_end": served,
        }
        found |= {column: board.total(column) for column in Board.COLUMNS if column != "is_writing"}
        if not damages:
            found["integrity"] = _integrity(host.directory)
        return found


def _writer(board: Board) -> int:
    """One that writes a value right now; any if there is none for a while."""
    until = time.monotonic() + AIM_S
    while time.monotonic() < until:
        for slot in random.sample(range(PROCESSES), PROCESSES):
            if board.of(slot, "is_writing"):
                time.sleep(random.uniform(0.0, 0.0002))
                return slot
    return random.randrange(PROCESSES)


def _damage(path: Path, turn: int) -> None:
    """While the processes use it."""
    wal = path.with_name(f"{path.name}-wal")
    size = path.stat().st_size
    kind = turn % 5
    with contextlib.suppress(FileNotFoundError):
        if kind == 0:  # all of it
            _overwrite(path, 0, size)
        elif kind == 1:  # from some page on
            _overwrite(path, min(4096, size), size)
        elif kind == 2:  # what was not moved into it yet
            _overwrite(wal, 0, wal.stat().st_size)
        elif kind == 3:
            os.truncate(path, size // 2)
        else:
            path.unlink()


def _overwrite(path: Path, start: int, end: int) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(os.urandom(end - start))


def _integrity(directory: Path) -> str:
    with contextlib.closing(sqlite3.connect(next(directory.glob("*.db")))) as database:
        return str(database.execute("PRAGMA integrity_check").fetchone()[0])


def _name(number: int) -> str:
    return f"soak/{number}"


def _key(number: int) -> StoreKey:
    return store_key(SCOPE, Selector(_name(number)))


# --- Keys -------------------------------------------------------------------------------------------------------------

Thing: TypeAlias = tuple[str, str, Selector]
"""Base URL, public key, and what is selected in this project."""

WORDS = (
    *("a", "b", "A", "1", "2", "01", "é", "e\u0301", "..", "%2F", "%7C"),
    *("production", "label", "version", "label:", "version:", "version:1", "-label:", "-version:"),
    *("-", "/", ":", "|", "+", " ", "\0", "\n", '"', '","', "\\"),
)


def generated(source: random.Random, words: list[str]) -> Thing:
    """These words, cut somewhere into address, public key, name, and version or label."""
    while True:
        cuts = sorted(source.randrange(len(words) + 1) for _ in range(3))
        address, public_key, name, which = (
            "".join(words[start:end]) for start, end in zip([0, *cuts], [*cuts, len(words)], strict=True)
        )
        is_version = which.isascii() and which.isdigit() and source.random() < 0.5
        with contextlib.suppress(InvalidRequestError):  # what is blank, or cannot be
            selector = Selector(name, version=int(which)) if is_version else Selector(name, label=which or None)
            return f"https://h/{address}".rstrip("/"), public_key, selector
        words = [*words, source.choice(WORDS)]


def collide(pairs: int) -> dict[str, Any]:
    """Of two things that read alike, or are the same: have they one key only if they are the same?"""
    source = random.Random(7)
    collisions: list[str] = []
    same = alike = 0
    for _ in range(pairs):
        words = source.choices(WORDS, k=source.randint(2, 7))
        one, other = generated(source, words), generated(source, words)
        is_same = one == other
        same += is_same
        alike += not is_same and _joined(one) == _joined(other)
        for kind, keys in zip(("scope", "memory", "store"), zip(_keys(one), _keys(other), strict=True), strict=True):
            is_meant = one[:2] == other[:2] if kind == "scope" else is_same
            if (keys[0] == keys[1]) is not is_meant:
                collisions.append(f"{kind}: {one} {other}")
    return {"pairs": pairs, "same": same, "alike": alike, "collisions": len(collisions), "examples": collisions[:3]}


def _keys(thing: Thing) -> tuple[object, object, object]:
    scope, selector = scope_of(*thing[:2]), thing[2]
    return scope, key_of(scope, selector), store_key(scope, selector)


def _joined(thing: Thing) -> str:
    selector = thing[2]
    return f"{thing[0]}{thing[1]}{selector.name}{selector.version or selector.label}"


class Langfuse(PromptApi):
    """Has a prompt of any name, but of none that begins with ``no``; those of ``large`` ones have 10 to 100 KB."""

    def __init__(self, public_key: str = "pk-lf-soak") -> None:
        super().__init__(HttpClient("http://127.0.0.1:1", public_key, "sk-lf-soak"))

    def get(self, selector: Selector, *, deadline_s: float, retry: bool = True, raw: bool = False) -> Prompt:
        if selector.name.startswith("no"):
            raise NotFoundError("there is none", status=404)
        size = random.randrange(10_000, 100_000) if selector.name.startswith("large") else 500
        text = selector.name.ljust(size, ".")
        return TextPrompt(name=selector.name, version=selector.version or 1, prompt=text, label=selector.label)


def invalidate(names: int) -> dict[str, Any]:
    """Of two projects with the same prompts in one store, one invalidates them by name: what else goes, what stays?"""
    from support.memory_store import MemoryStore, World

    source, world = random.Random(7), World()
    things = (generated(source, source.choices(WORDS, k=source.randint(2, 4))) for _ in range(3 * names))
    selectors = list(dict.fromkeys(thing[2] for thing in things if not thing[2].name.startswith("no")))[: 2 * names]
    ours, others = (
        Prompts(Langfuse(key), max_items=len(selectors), stores=[MemoryStore(world)]) for key in ("pk-1", "pk-2")
    )
    for prompts in (ours, others):
        for selector in selectors:
            prompts.get(selector.name, version=selector.version, label=selector.label)
    wrong, left = 0, set(selectors)
    names_left = list(dict.fromkeys(selector.name for selector in selectors))[:names]
    for name in names_left:
        ours.invalidate(name)
        left -= {selector for selector in left if selector.name == name}
        wrong += {selector for selector in selectors if ours.peek(selector)} != left
        wrong += len(world.values) != len(left) + len(selectors)
    wrong += any(others.peek(selector) is None for selector in selectors)
    for prompts in (ours, others):
        prompts.close()
    return {"names": len(names_left), "of": len(selectors), "wrong": wrong}


# --- Names without end ------------------------------------------------------------------------------------------------


def flood(names: int) -> dict[str, Any]:
    """Read so many names, a tenth of them by ``get``, the others as it does it from there on, without its threads.

    A tenth do not exist; the prompts are small in the first half and large in the second.
    """
    settings = load({})
    langfuse = Langfuse()
    prompts = Prompts(
        langfuse,
        max_items=settings.prompt_cache_max_items,
        max_bytes=settings.prompt_cache_max_bytes,
    )
    cache = prompts._cache
    memory_before_kib = _memory_kib()
    most_items = most_bytes = absent = 0
    started = time.monotonic()
    for number in range(names):
        kind = "no" if number % 11 == 0 else "small" if number < names / 2 else "large"
        name = f"{kind}/{number}"
        try:
            if number % 10 == 0:
                prompts.get(name)
            else:
                _read_into(cache, langfuse, Selector(name))
        except NotFoundError:
            absent += 1
        most_items, most_bytes = max(most_items, len(cache.entries)), max(most_bytes, cache.size_bytes)
    took_s = time.monotonic() - started
    prompts.get("hot")
    hit_us = min(timeit.repeat(lambda: prompts.get("hot"), number=2_000, repeat=50)) / 2_000 * 1e6
    return {
        "names": names,
        "absent": absent,
        "most_items": most_items,
        "most_bytes": most_bytes,
        "failures": len(cache._failures),
        "reads_left": len(cache._reads),
        "memory_kib": _memory_kib() - memory_before_kib,
        "hit_us": round(hit_us, 2),
        "took_s": round(took_s, 1),
    }


def _read_into(cache: MemoryCache, langfuse: Langfuse, selector: Selector) -> None:
    key = key_of(langfuse.scope, selector)
    read = cache.begin(key)
    try:
        cache.put(key, Record(langfuse.get(selector, deadline_s=DEADLINE_S), time.time()), read)
    except NotFoundError as error:
        cache.fail(key, error, read)
        raise


def _memory_kib() -> int:
    with Path("/proc/self/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


# --- All of it --------------------------------------------------------------------------------------------------------


def _missed(found: dict[str, dict[str, Any]]) -> Iterator[str]:
    settings = load({})
    bars: dict[str, dict[str, Any]] = {
        "killed": dict.fromkeys(("torn", "older", "failed", "died"), 0),
        "damaged": dict.fromkeys(("torn", "older", "failed", "died"), 0),
        "keys": {"collisions": 0},
        "invalidated": {"wrong": 0},
        "flood": {
            "most_items": settings.prompt_cache_max_items,
            "most_bytes": settings.prompt_cache_max_bytes,
            "failures": settings.prompt_cache_max_items,
            "reads_left": 0,
            "hit_us": MAX_HIT_US,
        },
    }
    for part, results in found.items():
        yield from (f"{part}.{what}" for what, most in bars[part].items() if results[what] > most)
        if results.get("served_at_the_end", PROCESSES) != PROCESSES:
            yield f"{part}.served_at_the_end"
        if results.get("integrity", "ok") != "ok":
            yield f"{part}.integrity"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--names", type=int, default=1_000_000)
    asked = parser.parse_args()
    found: dict[str, dict[str, Any]] = {}
    if asked.kills:  # before there are threads
        found["killed"] = share_disk(asked.kills)
        found["damaged"] = share_disk(-(-asked.kills // 4), damages=True)
    if asked.pairs:
        found["keys"] = collide(asked.pairs)
        found["invalidated"] = invalidate(min(1_000, asked.pairs))
    if asked.names:
        found["flood"] = flood(asked.names)
    missed = list(_missed(found))
    print(json.dumps({**found, "missed": missed}))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()

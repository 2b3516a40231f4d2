"""A shared tier: one process of all that share a store asks the tier below, the others take what it brings.

    look up ── newer than what the reader has ─────────────────────────────────────────▶ answer
       │  └── another process failed just now ─────────────────────────────────────────▶ its error
       ▼
    take the lock ── taken ── wait a little, look up again (until the reader's deadline)
       │
       ▼
    look up again (someone may have been quicker), ask the tier below, put, unlock ────▶ answer

Tiers are nested, so a prefork server behind Redis takes two locks: one of the processes of a host, then one host of the
fleet. A process that dies with a lock costs the others one expiry. A store that fails is passed over: whoever needs it
asks the tier below by itself, and after the first failure without the attempt.

No copy of a prompt is removed because it is old; only because Langfuse says that it is gone, or on ``forget``.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from langfuse_otel import log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.errors import AuthenticationError, LangfuseError, NotFoundError, TimedOutError
from langfuse_otel.prompts.cache import MAX_PAUSE_S, pause_after
from langfuse_otel.prompts.changes import News
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.gate import StoreGate, StoreShutError
from langfuse_otel.prompts.models import Selector
from langfuse_otel.prompts.network import CircuitOpenError, Source, Want, circuit_open
from langfuse_otel.prompts.record import Codec, FailureNote, Record
from langfuse_otel.prompts.stores.base import Store, StoreKey, prompt_id, store_key

LOCK_S = 3.0
"""Expiry of a lock. A reader that gets the lock of a dead process still has time to ask itself (deadline: 5 s)."""

_LOCK_MARGIN_S = 0.25  # the answer must be stored while the lock is ours
_FIRST_POLL_S, _MAX_POLL_S = 0.04, 0.25
_ELSEWHERE_S = 60.0


class BusyError(LangfuseError):
    """Another process is reading this prompt, and the reader does not wait for it."""

    code = "busy"
    retryable = True


class SharedTier:
    """One store, and what is asked when it does not know.

    Args:
        store: Where the processes meet.
        below: What the one that holds the lock asks.
        scope: The project.
        codec: Writes and checks records.
        counters: What happens is counted there.
        lock_s: Expiry of a lock, and so the longest that a request may take, seconds.
        clock: Where the time of day comes from.
    """

    def __init__(
        self,
        store: Store,
        below: Source,
        *,
        scope: str,
        codec: Codec,
        counters: PromptCounters,
        lock_s: float = LOCK_S,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.store = store
        self._below = below
        self._scope = scope
        self._codec = codec
        self._counters = counters
        self.gate = StoreGate(store, counters=counters, clock=clock)
        self._call = self.gate.call
        self._lock_s = lock_s
        self._clock = clock
        self._outage_key = StoreKey(prompt_id(scope, ""), "outage")  # no prompt has an empty name

    def read(self, selector: Selector, want: Want) -> Record:
        """See ``Source``."""
        try:
            return self._read(selector, want)
        except StoreShutError:
            return self._below.read(selector, want)

    def close(self) -> None:
        """Let go of the store's files and connections."""
        self.gate.close()
        self.store.close()

    def forget(self, name: str) -> None:
        """Remove a prompt, all versions and labels, and tell the other processes."""
        prompt = prompt_id(self._scope, name)
        with suppress(StoreShutError):
            self._call(lambda: self.store.forget(prompt))
            self._tell(name)

    def _read(self, selector: Selector, want: Want) -> Record:
        key, owner = store_key(self._scope, selector), uuid.uuid4().hex
        poll_s, started = _FIRST_POLL_S, 0.0
        try:
            while True:
                try:
                    record, is_ours = self._look(key, selector, want, owner)
                except StoreShutError as shut:
                    # Whoever has the lock brings the answer, and asking as well would not be quicker; but a store that
                    # is gone brings nothing, and a lock ends.
                    if not shut.is_late or not started or SYSTEM_CLOCK.monotonic() - started > self._lock_s:
                        raise
                    record, is_ours = None, False
                if record is not None:
                    return record
                if is_ours:
                    return self._fetch(key, selector, want, owner)
                if not want.is_patient:
                    raise BusyError(f"{selector} is being read by another process")
                started = started or SYSTEM_CLOCK.monotonic()
                pause_s = poll_s * random.uniform(0.5, 1.0)  # noqa: S311  a fleet must not look in step
                time.sleep(min(pause_s, want.left_s))
                poll_s = min(poll_s * 1.5, _MAX_POLL_S)
        except TimedOutError:
            if not started:
                raise
            raise TimedOutError(f"another process is reading {selector}, and was not done in time") from None
        finally:
            if started:
                self._counters.waited(SYSTEM_CLOCK.monotonic() - started)

    def _look(self, key: StoreKey, selector: Selector, want: Want, owner: str) -> tuple[Record | None, bool]:
        """The answer, or whether the lock is ours."""
        found = self._call(lambda: self.store.claim(key, owner=owner, expiry_s=self._lock_s))
        if isinstance(found, bool):
            return None, found
        if (record := self._answer(self._decoded(key, selector, found), want)) is not None:
            return record, False
        return None, self._call(lambda: self.store.lock(key.prompt, owner=owner, expiry_s=self._lock_s))

    def _fetch(self, key: StoreKey, selector: Selector, want: Want, owner: str) -> Record:
        """Ask below, with the lock held; it ends with what is put, else here."""
        is_put = False
        try:
            known = self._find(key, selector)  # another's answer may have come after our look and before our lock
            if (answer := self._answer(known, want)) is not None:
                return answer
            self._check_for_outage(selector)
            try:
                record = self._below.read(selector, want.within(self._lock_s - _LOCK_MARGIN_S))
            except NotFoundError as error:
                is_put = self._put(key, Record(None, self._clock.wall(), self._note(error)), owner)
                raise
            except AuthenticationError:  # says something about this process, not about the prompt
                raise
            except LangfuseError as error:
                kept = known or Record(None, self._clock.wall())
                is_put = self._put(key, replace(kept, failure=self._note(error)), owner)
                if isinstance(error, CircuitOpenError):
                    self._spread_outage(error)
                raise
            is_put = self._put(key, record, owner)
            if is_put and known is not None and _version(known) != _version(record):
                with suppress(StoreShutError):
                    self._tell(selector.name)
            return record
        finally:
            if not is_put:
                with suppress(StoreShutError):
                    self._call(lambda: self.store.unlock(key.prompt, owner=owner))

    def _answer(self, record: Record | None, want: Want) -> Record | None:
        """The record, if it is what the reader wants.

        Raises:
            StoreShutError: The store has no room for this prompt, so each process reads it by itself.
            LangfuseError: It is not, and whoever asked last failed.
        """
        if record is None:
            return None
        if record.prompt is not None and (want.newer_than is None or record.asked_at > want.newer_than):
            return record
        now = self._clock.wall()
        if record.failure is not None and now < record.failure.until <= now + MAX_PAUSE_S:
            raise record.failure.error(now)
        if record.prompt is None and record.failure is None and abs(now - record.asked_at) < _ELSEWHERE_S:
            raise StoreShutError
        return None

    def _find(self, key: StoreKey, selector: Selector) -> Record | None:
        data = self._call(lambda: self.store.get(key))
        return None if data is None else self._decoded(key, selector, data)

    def _decoded(self, key: StoreKey, selector: Selector, data: bytes) -> Record | None:
        try:
            return self._codec.decode(key, selector, data, self.store.name)
        except ValueError as error:  # junk is a miss, and is removed so that it is not read again and again
            name = self.store.name
            message = "what the %s store holds for %s cannot be used: %s"
            log.limited(logging.WARNING, f"prompt-store-junk:{name}", message, name, selector, error)
            self._call(lambda: self.store.forget(key.prompt))
            return None

    def _put(self, key: StoreKey, record: Record, owner: str) -> bool:
        data = self._codec.encode(key, record)
        if len(data) > self.store.max_bytes:
            data = self._codec.encode(key, Record(None, record.asked_at))
        with suppress(StoreShutError):
            return self._call(lambda: self.store.put(key, data, owner=owner))
        return False

    @contextmanager
    def _locked(self, key: StoreKey) -> Iterator[str]:
        """The lock's owner if it was free, else an empty text."""
        owner = uuid.uuid4().hex
        if not self._call(lambda: self.store.lock(key.prompt, owner=owner, expiry_s=self._lock_s)):
            yield ""
            return
        try:
            yield owner
        finally:
            with suppress(StoreShutError):
                self._call(lambda: self.store.unlock(key.prompt, owner=owner))

    def _note(self, error: LangfuseError) -> FailureNote:
        return FailureNote.of(error, self._clock.wall() + pause_after(error))

    def _check_for_outage(self, selector: Selector) -> None:
        """Let a process whose breaker is open speak for all."""
        record = self._find(self._outage_key, selector)
        if record is not None and record.failure is not None:
            left_s = record.failure.until - self._clock.wall()
            if 0 < left_s <= MAX_PAUSE_S:
                raise circuit_open(record.failure.message, left_s)

    def _spread_outage(self, error: CircuitOpenError) -> None:
        with suppress(StoreShutError), self._locked(self._outage_key) as owner:
            if owner:
                self._put(self._outage_key, Record(None, self._clock.wall(), self._note(error)), owner)

    def _tell(self, name: str) -> None:
        self._call(lambda: self.store.announce(News(self._scope, name).encode()))


def _version(record: Record) -> int | None:
    return record.prompt.version if record.prompt is not None else None

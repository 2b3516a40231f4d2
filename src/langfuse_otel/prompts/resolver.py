"""What a caller gets: fresh, stale, read for it, or something instead. The one place where the tiers meet.

====================  ==============================================================================================
in memory, fresh      served; no lock, no I/O
in memory, expired    served at once; one background worker renews it, for all processes if they share a store
not in memory         one request for all who ask, in all processes; each waits until its own deadline
prompt is gone (404)  evicted; the next label, else the fallback, else NotFoundError
server fails          what is in memory or in a store stays in service, however old; else the snapshot; else the
                      fallback; else the error
====================  ==============================================================================================

A failed read is remembered for a few seconds: until then no caller waits for the same failure again.
"""

# ruff: noqa: A002  `type` is the API's own word for it.

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from langfuse_otel import log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.errors import AuthenticationError, NotFoundError, TimedOutError
from langfuse_otel.prompts.ask import Ask, Fallback, Labels, type_of
from langfuse_otel.prompts.cache import Entry, Key, MemoryCache, key_of
from langfuse_otel.prompts.caller import behind_callers_back, in_callers_context
from langfuse_otel.prompts.changes import Listener
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.detail import PromptDetail, Reason
from langfuse_otel.prompts.models import DEFAULT_LABEL, Prompt, PromptType, Selector
from langfuse_otel.prompts.network import Source, Want
from langfuse_otel.prompts.refresh import Refresher
from langfuse_otel.prompts.tiers import BusyError, SharedTier
from langfuse_otel.resilience.single_flight import SingleFlight

BUSY_PAUSE_S = 0.5
"""How soon a renewal that another process is at is looked for again."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A flight to wait for, and how long."""

    flight: Future[Entry]
    patience_s: float


Steps: TypeAlias = Generator[Wait, Entry, PromptDetail]
"""An answer in the making: yields what to wait for, is sent the outcome or thrown the error, returns the answer.

So threads and tasks can wait each in their way, and nothing else has to be written twice.
"""


class Resolver:
    """Finds prompts; see the module.

    Args:
        source: Below memory: the outermost tier, or Langfuse.
        tiers: The shared tiers in ``source``, outermost first.
        network: Langfuse alone, for a caller who wants no cache.
        cache: The memory tier.
        counters: What happens is counted there.
        scope: The project.
        ttl_s: Seconds until a prompt in memory is renewed; 0 asks Langfuse on each ``get``.
        deadline_s: Longest that a ``get`` may take in all.
        fallback_deadline_s: The same for one with a fallback, or a snapshot.
        snapshot: Finds a prompt when nothing else has it.
        clock: What ages are measured with; waiting takes real time.
    """

    def __init__(
        self,
        source: Source,
        *,
        tiers: Sequence[SharedTier] = (),
        network: Source,
        cache: MemoryCache,
        counters: PromptCounters,
        scope: str,
        ttl_s: float,
        deadline_s: float,
        fallback_deadline_s: float,
        snapshot: Callable[[Selector], Prompt | None] = lambda selector: None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._source = source
        self._tiers = tiers
        self._network = network
        self._cache = cache
        self._counters = counters
        self._scope = scope
        self._ttl_s = ttl_s
        self._deadline_s = deadline_s
        self._fallback_deadline_s = fallback_deadline_s
        self._snapshot = snapshot
        self._clock = clock
        # Without the detour through the clock's method: a tenth of a hit.
        self.now: Callable[[], float] = time.monotonic if clock is SYSTEM_CLOCK else clock.monotonic
        self._entry = cache.entries.get
        self._flights: SingleFlight[Key, Entry] = SingleFlight()
        self._refresher = Refresher()
        self._listeners = [Listener(tier.store, scope=scope, on_news=self._on_news) for tier in tiers]

    # --- For callers --------------------------------------------------------------------------------------------------

    def hit(
        self,
        name: str,
        version: int | None,
        label: Labels | None,
        type: PromptType | None,
        fallback: Fallback | None,
        ttl_s: float | None,
    ) -> Prompt | None:
        """The prompt if it is fresh and of the right type. Nearly all calls end here: no lock, no I/O."""
        if version is None and label is None:
            label = DEFAULT_LABEL
        try:
            entry = self._entry((self._scope, name, version, label))  # type: ignore[arg-type]  # a list is not found
        except TypeError:
            return None
        if entry is None or (entry.expires_at if ttl_s is None else entry.fetched_at + ttl_s) <= self.now():
            return None
        prompt = entry.prompt
        if type not in (None, prompt.type) or (fallback is not None and type_of(fallback) != prompt.type):
            return None
        entry.used += 1
        return prompt

    def peek(self, selector: Selector) -> Prompt | None:
        """The prompt if it is in memory, fresh or stale. No I/O, and it counts as no use."""
        entry = self._entry(key_of(self._scope, selector))
        return None if entry is None else entry.prompt

    def answer(self, ask: Ask) -> Steps:
        """Everything that ``hit`` is not."""
        error: Exception | None = None
        started = SYSTEM_CLOCK.monotonic()
        for selector in ask.selectors:
            is_last = selector is ask.selectors[-1]
            stand_in = self._snapshot(selector)
            has_other = ask.fallback is not None or stand_in is not None
            found = self._look_up(ask, selector, has_other=has_other or not is_last)
            if isinstance(found, Future):
                total_s = self._fallback_deadline_s if has_other else self._deadline_s
                flight = found
                try:
                    entry = yield Wait(flight, max(0.0, total_s - (SYSTEM_CLOCK.monotonic() - started)))
                    self._counters.hit(entry.source)
                    found = self._detail(entry, entry.source, "read")
                except Exception as failed:
                    found = self._instead(selector, failed, flight)
            if isinstance(found, PromptDetail):
                return self._fitting(ask, found)
            error = found
            if isinstance(error, NotFoundError):
                continue
            if stand_in is not None:
                self._counters.hit("snapshot")
                message = "%s: the copy in the snapshot is served: %s"
                log.limited(logging.WARNING, f"prompt-snapshot:{ask.name}", message, selector, error)
                return self._fitting(ask, PromptDetail(stand_in, "snapshot", "unavailable", error=error))
            break
        assert error is not None
        return self._fallback(ask, error, "not_found" if isinstance(error, NotFoundError) else "unavailable")

    def start(self, selector: Selector) -> Future[Entry] | None:
        """Begin to read what is not in memory; None when it is."""
        key = key_of(self._scope, selector)
        entry = self._entry(key)
        if entry is not None:
            return None
        return self._flights.start(key, in_callers_context(partial(self._fetch, selector, entry)))

    def invalidate(self, name: str) -> None:
        """Forget a prompt in all tiers; the next who asks for it waits for a new answer. See ``Prompts.invalidate``."""
        self._tell_tiers(name)
        self._cache.invalidate(self._concerns(name))
        self._flights.forget(self._concerns(name))

    def renew(self, name: str) -> None:
        """The same, but this process serves what it has until the new answer is there. Does not wait for it."""
        self._tell_tiers(name)
        self._on_news(name)

    def in_background(self, key: str, job: Callable[[], object]) -> None:
        """Run a job on the worker that renews prompts."""
        self._refresher.submit(key, job)

    def close(self) -> None:
        """Let go of the stores' files and connections."""
        for listener in self._listeners:
            listener.close()
        for tier in self._tiers:
            tier.close()

    # --- Inside -------------------------------------------------------------------------------------------------------

    def _look_up(self, ask: Ask, selector: Selector, *, has_other: bool) -> PromptDetail | Exception | Future[Entry]:
        """What can be served now, or why nothing can, or the flight to wait for. Starts what has to be read."""
        key = key_of(self._scope, selector)
        now = self.now()
        entry = self._cache.get(key)
        ttl_s = self._ttl_s if ask.ttl_s is None else ask.ttl_s
        if entry is not None:
            expires_at = entry.expires_at if ask.ttl_s is None else entry.fetched_at + ask.ttl_s
            is_due = now >= max(expires_at, entry.retry_at)
            if is_due and ttl_s > 0:
                self._refresher.submit(key, partial(self._renew, selector, entry))
            if not is_due or ttl_s > 0:
                is_stale = now >= entry.fetched_at + ttl_s or entry.error is not None
                if is_stale:
                    self._counters.served_stale()
                return self._detail(entry, "memory", "stale" if is_stale else "fresh")
        else:
            self._counters.miss()
        failure = self._cache.failure(key)
        if entry is None and failure is not None and now < failure.retry_at:
            is_patient = not has_other and self._flights.in_the_air(key)
            if not is_patient:  # else it joins the flight that a caller with a fallback could not wait for
                return failure.error
        fetch = partial(self._fetch, selector, entry, is_uncached=ttl_s == 0)
        if entry is None and failure is not None and has_other:
            self._flights.start(key, behind_callers_back(fetch))  # finds out whether it is back
            return failure.error
        return self._flights.start(key, in_callers_context(fetch))

    def _renew(self, selector: Selector, stale: Entry, *, is_patient: bool = False) -> None:
        """Replace a stale entry, unless that happened, or was tried, since it was seen."""
        key = key_of(self._scope, selector)
        if self._entry(key) is stale and self.now() >= stale.retry_at:
            self._flights.run(key, lambda: self._fetch(selector, stale, is_patient=is_patient))
            if self._entry(key) is not stale:
                self._counters.refreshed(ok=True)
            elif stale.error is not None:
                self._counters.refreshed(ok=False)

    def _fetch(
        self, selector: Selector, seen: Entry | None, *, is_patient: bool = True, is_uncached: bool = False
    ) -> Entry:
        """Read a prompt into the cache, in which ``seen`` was found. Runs on a thread of ours."""
        for listener in self._listeners:
            listener.start()
        key = key_of(self._scope, selector)
        current = self._entry(key)
        if current is not None and current is not seen:
            return current  # another flight landed while this one was being started
        read = self._cache.begin(key)
        want = Want(
            SYSTEM_CLOCK.monotonic() + self._deadline_s,
            newer_than=self._clock.wall() if is_uncached else seen.asked_at if seen else None,
            is_patient=is_patient,
            may_retry=not self._cache.is_failing(key),
        )
        source = self._network if self._ttl_s == 0 else self._source
        try:
            return self._cache.put(key, source.read(selector, want), read)
        except BusyError:
            self._cache.put_off(key, BUSY_PAUSE_S, read)
            raise
        except Exception as error:
            self._cache.fail(key, error, read)
            self._report(selector, error)
            raise

    def _report(self, selector: Selector, error: Exception) -> None:
        if isinstance(error, AuthenticationError):
            log.once(logging.ERROR, f"prompts-keys:{self._scope}", "Langfuse refuses the keys: %s", error)
        elif self.peek(selector) is not None:
            message = "%s was not renewed, the copy in memory stays in service: %s"
            log.limited(logging.WARNING, f"prompt-stale:{selector.name}", message, selector, error)

    def _instead(self, selector: Selector, error: Exception, flight: Future[Entry]) -> PromptDetail | Exception:
        """What is in memory when the read failed, or took too long."""
        key = key_of(self._scope, selector)
        if isinstance(error, TimedOutError) and not flight.done():
            self._cache.note_failure(key, error)  # the next caller need not wait as well
        entry = self._cache.get(key)
        if entry is None or isinstance(error, NotFoundError):
            return error
        self._counters.served_stale()
        return self._detail(entry, "memory", "stale")

    def _detail(self, entry: Entry, source: str, reason: Reason) -> PromptDetail:
        return PromptDetail(entry.prompt, source, reason, max(0.0, self.now() - entry.fetched_at), entry.error)

    def _fitting(self, ask: Ask, found: PromptDetail) -> PromptDetail:
        mismatch = ask.mismatch(found.prompt)
        if mismatch is None:
            return found
        if ask.fallback is not None:
            log.once(logging.ERROR, f"prompt-type:{ask.name}", "%s; the fallback is served", mismatch)
        return self._fallback(ask, mismatch, "wrong_type")

    def _fallback(self, ask: Ask, error: Exception, reason: Reason) -> PromptDetail:
        if ask.fallback is None:
            raise error.with_traceback(None)  # one object for many callers: it would collect the frames of them all
        if reason != "wrong_type":
            message = "%s: the fallback is served: %s"
            log.limited(logging.WARNING, f"prompt-fallback:{ask.name}", message, ask.selectors[-1], error)
        self._counters.hit("fallback")
        return PromptDetail(ask.fallback, "fallback", reason, error=error)

    def _concerns(self, name: str) -> Callable[[Key], bool]:
        return lambda key: key[0] == self._scope and key[1] == name

    def _tell_tiers(self, name: str) -> None:
        for tier in reversed(self._tiers):  # the widest first: a nearer one could be filled from it again
            tier.forget(name)

    def _on_news(self, name: str) -> None:
        """A prompt was changed: renew what is in memory of it, now, and serve it until then."""
        stale = self._cache.expire(self._concerns(name))
        self._flights.forget(self._concerns(name))
        for key, entry in stale.items():
            selector = Selector(key[1], key[2], key[3])
            self._refresher.submit(key, partial(self._renew, selector, entry, is_patient=True))

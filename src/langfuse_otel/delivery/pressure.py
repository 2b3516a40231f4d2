"""What gives way when the buffer fills: the newest span, the oldest, the caller's time, or some traces as a whole.

A strategy is asked only about spans that do not simply fit (``Buffer.put``); where there is room, it costs nothing.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.delivery.wakeup import Wakeup
from langfuse_otel.settings import Settings
from langfuse_otel.tally import Cause

MAX_TRACES = 10_000
"""Traces whose fate ``Sample`` remembers; past that, the one of which no span has ended for longest is decided anew."""

AFTERMATH_S = 60.0
"""For so long after the end of pressure, traces that were refused stay out. What ends later of them arrives alone."""

_STEPS = 7  # of the share of traces that is kept: 1, 1/2, 1/4 … 1/64
_HASH_BITS = 64
_HASH_MASK = (1 << _HASH_BITS) - 1
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 by the golden ratio: a product's upper bits depend on all bits of the factor


class Room(Protocol):
    """What a strategy sees of the buffer."""

    max_bytes: int
    high: float

    @property
    def under_pressure(self) -> bool:
        """Whether pressure has begun and not ended."""
        ...

    @property
    def utilisation(self) -> float:
        """Used share of the scarcer limit."""
        ...

    def try_put(self, span: ReadableSpan, size_bytes: int) -> Cause:
        """``ACCEPTED``, or ``QUEUE_FULL`` or ``SHUTDOWN``."""
        ...

    def drop_oldest(self) -> bool:
        """Forget the span that has waited longest; False when none waits."""
        ...


class DropNewest:
    """Refuses the span that finds no room: those that wait belong to traces which are partly sent already.

    The other strategies are made from this one. Each method may be called from any thread.
    """

    judges_every_span = False
    """Whether to be asked about each span under pressure, also about those that fit."""

    def reset(self) -> None:
        """Start over with locks of its own, as a forked child does."""

    def put(self, room: Room, span: ReadableSpan, size_bytes: int, *, nested: bool) -> Cause:
        """Accept the span or say why not. ``nested``: this thread is inside ``Buffer.put`` already and holds its lock,
        which a signal handler or a ``__del__`` has interrupted."""
        return room.try_put(span, size_bytes)

    def made_room(self) -> None:
        """Spans were taken, or the buffer was closed."""

    def at_rest(self) -> bool:
        """Whether spans that fit need no judgement any more, now that pressure is over."""
        return True

    def share(self, room: Room) -> float:
        """The share of new traces that is kept now."""
        return 1.0

    def shares_of(self, spans: Sequence[ReadableSpan]) -> dict[str, float]:
        """By id (16 hex digits), the share of traces that was kept when these spans were; those not named: all."""
        return {}


class DropOldest(DropNewest):
    """Gives up the spans that have waited longest for the newest one: what is going on now matters more.

    A span that alone exceeds the limit is refused, rather than all others dropped in vain.

    Args:
        on_dropped: Told how many were dropped for one span.
    """

    def __init__(self, on_dropped: Callable[[int], object]) -> None:
        self._on_dropped = on_dropped

    def put(self, room: Room, span: ReadableSpan, size_bytes: int, *, nested: bool) -> Cause:
        dropped = 0
        while (cause := room.try_put(span, size_bytes)) is Cause.QUEUE_FULL:
            if size_bytes > room.max_bytes or not room.drop_oldest():
                break
            dropped += 1
        if dropped:
            self._on_dropped(dropped)
        return cause


class Block(DropNewest):
    """Lets the caller wait for room, and refuses its span when that takes too long.

    Those refuse at once that must not wait: the thread of a running asyncio event loop, a thread that is inside ``put``
    already, and the one that took spans last, for which it would wait in vain.

    Args:
        timeout_s: Longest wait of one caller, seconds.
        wake: Called before a wait: whoever takes spans should be awake.
        clock: Time.
    """

    def __init__(self, timeout_s: float, wake: Callable[[], object], clock: Clock = SYSTEM_CLOCK) -> None:
        self._timeout_s = timeout_s
        self._wake = wake
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        self._waiting: dict[int, Wakeup] = {}  # by thread
        self._taker = 0

    @property
    def waiting(self) -> int:
        """Callers that wait."""
        return len(self._waiting)

    def put(self, room: Room, span: ReadableSpan, size_bytes: int, *, nested: bool) -> Cause:
        thread = threading.get_ident()
        may_wait = not (nested or thread in self._waiting or thread == self._taker or _in_event_loop())
        if not may_wait or size_bytes > room.max_bytes:
            return room.try_put(span, size_bytes)
        deadline = self._clock.monotonic() + self._timeout_s
        made_room = self._waiting[thread] = Wakeup()  # before the first try, so that no news is missed
        try:
            while (cause := room.try_put(span, size_bytes)) is Cause.QUEUE_FULL:
                self._wake()
                if not made_room.wait(deadline - self._clock.monotonic()):
                    break
        finally:
            self._waiting.pop(thread, None)  # gone already in a forked child
        return cause

    def made_room(self) -> None:
        self._taker = threading.get_ident()
        for made_room in tuple(self._waiting.values()):
            made_room.set()


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")  # not imported: then no loop runs, and we need not load it to know
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class Sample(DropNewest):
    """Keeps a falling share of traces, each of them whole, and every error until the buffer is truly full.

    The share is 1 where pressure begins and falls in steps to 1/64 where the buffer is full. The first span of a trace
    that ends under pressure decides for all that follow: a trace stays in with the share of that moment, or out. Spans
    with status ERROR are kept in either case; one that is the first of its trace keeps the trace.

    Which traces make up a share is told by their ids, the same in each process. Not by their lower bits as they are:
    samplers upstream choose by those, and of a hundredth that one of them left, a half would be all.

    Args:
        clock: Time, for how long decisions outlast the pressure.
    """

    judges_every_span = True

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        self._lock = threading.RLock()  # re-entrant for signal handlers and __del__
        self._share_by_trace: OrderedDict[int, float] = OrderedDict()  # 0: out
        self._share_by_span: dict[int, float] = {}  # by identity; only of spans that wait, and only shares below 1
        self._aftermath_until = 0.0

    def put(self, room: Room, span: ReadableSpan, size_bytes: int, *, nested: bool) -> Cause:
        is_error = span.status.status_code is StatusCode.ERROR
        share = self._share(room, span, is_error)
        if not share and not is_error:
            return Cause.SAMPLED
        if is_error or share == 1:
            return room.try_put(span, size_bytes)
        self._share_by_span[id(span)] = share  # before it can be taken
        cause = room.try_put(span, size_bytes)
        if cause is not Cause.ACCEPTED:
            self._share_by_span.pop(id(span), None)
        return cause

    def at_rest(self) -> bool:
        if not self._lock.acquire(blocking=False):  # takers ask, and must not wait for those who put
            return False
        try:
            if self._clock.monotonic() < self._aftermath_until:
                return False
            self._share_by_trace.clear()
            return True
        finally:
            self._lock.release()

    def share(self, room: Room) -> float:
        """As of ``DropNewest``."""
        return float(0.5 ** _halvings(room)) if room.under_pressure else 1.0

    def shares_of(self, spans: Sequence[ReadableSpan]) -> dict[str, float]:
        """As of ``DropNewest``; forgets them, so that they can be asked for once."""
        if not self._share_by_span:
            return {}
        shares: dict[str, float] = {}
        for span in spans:
            share = self._share_by_span.pop(id(span), None)
            if share is not None and span.context is not None:
                shares[format(span.context.span_id, "016x")] = share
        return shares

    def _share(self, room: Room, span: ReadableSpan, is_error: bool) -> float:
        """The share with which the span's trace is kept; 0 when it is not."""
        context = span.context
        if context is None:
            return 1.0
        trace_id = context.trace_id
        with self._lock:
            if room.under_pressure:
                self._aftermath_until = self._clock.monotonic() + AFTERMATH_S
            decided = self._share_by_trace.get(trace_id)
            if decided is not None:
                self._share_by_trace.move_to_end(trace_id)
                return decided
            # In the aftermath every new trace is in, and remembered, as the pressure may come back.
            halvings = 0 if is_error or not room.under_pressure else _halvings(room)
            chosen = (trace_id * _GOLDEN & _HASH_MASK) >> (_HASH_BITS - halvings) == 0
            share = self._share_by_trace[trace_id] = 0.5**halvings if chosen else 0.0
            if len(self._share_by_trace) > MAX_TRACES:
                self._share_by_trace.popitem(last=False)
            return share


def _halvings(room: Room) -> int:
    """How far the share has fallen: 0 up to the high mark, 6 where the buffer is full."""
    if room.high >= 1:
        return 0
    fullness = (room.utilisation - room.high) / (1 - room.high)
    return min(_STEPS - 1, max(0, int(fullness * _STEPS)))


def strategy(
    settings: Settings,
    *,
    on_dropped: Callable[[int], object],
    wake: Callable[[], object],
    clock: Clock = SYSTEM_CLOCK,
) -> DropNewest:
    """The strategy that the setting ``backpressure`` names."""
    if settings.backpressure == "drop_oldest":
        return DropOldest(on_dropped)
    if settings.backpressure == "block":
        return Block(settings.block_timeout_s, wake, clock)
    if settings.backpressure == "sample":
        return Sample(clock)
    return DropNewest()

"""Where ended spans wait in memory, bounded by number and by bytes; nothing here survives the process."""

from __future__ import annotations

import math
import random
import threading
from collections import deque
from collections.abc import Callable, Sequence

from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel.delivery.pressure import DropNewest
from langfuse_otel.delivery.span_size import SPAN_BYTES, size_bytes
from langfuse_otel.tally import ACCEPTED, Cause

_SAMPLE_BITS = 4  # after one that is measured come up to 2^4 - 1 that are not: 7.5 on average
_AVERAGE_BITS = 3  # a measured span changes the average by one 2^3rd of the difference
_PRESSURE_CHANGES = 16  # remembered for whoever asks
_ROOMY_SHARE = 4  # while less than one 4th of each limit is used
_ERROR_SHARE = 256  # of the bytes: by so much a run of spans that were not measured may be larger than it counted for
_AT_ONCE = 64  # so many threads may put at the same moment and stay within the limits
_draw = random.Random().getrandbits  # noqa: S311  # for samples, and not the generator that the application may seed


class Buffer:
    """First in, first out; many threads put, one at a time takes.

    Args:
        max_spans: Spans that may wait.
        max_bytes: Bytes that they may hold, by ``size_bytes``.
        draw: So many random bits; they choose the spans to measure, lest those be always the same ones of a trace.
        strategy: What gives way when there is no room; the newest span by default.
        high: Used share of either limit at which pressure begins.
        low: Used share of both at which it ends; at most ``high``.
        shorten: Makes a span smaller that alone is larger than ``max_bytes``; by default it is left, and refused.

    Measuring takes longer than all else here. While less than a quarter of either limit is used, one span in eight or
    nine is measured, and the others count for their average; beyond that, every span. So the bytes are right to within
    the error of that estimate, which can be about the first quarter only. A single span counts for less than it holds
    until one is measured that is as large; then those before it are measured after all.

    What is checked out counts too until it is settled, as it is in memory still.

    No thread waits for another one's ``put`` while there is room for both. Whoever waits for a lock lets go of the
    interpreter's lock too, and of ten busy threads each would soon wait for the next one at every span (a lock convoy).
    """

    def __init__(
        self,
        max_spans: int,
        max_bytes: int,
        draw: Callable[[int], int] = _draw,
        *,
        strategy: DropNewest | None = None,
        high: float = 0.8,
        low: float = 0.5,
        shorten: Callable[[ReadableSpan], ReadableSpan] = lambda span: span,
    ) -> None:
        self.max_spans = max_spans
        self.max_bytes = max_bytes
        self.high = high
        self.low = min(low, high)
        self._high_spans = math.ceil(high * max_spans)
        self._high_bytes = math.ceil(high * max_bytes)
        self._roomy_spans = max_spans // _ROOMY_SHARE
        self._roomy_bytes = max_bytes // _ROOMY_SHARE
        self._error_bytes = max_bytes // _ERROR_SHARE
        self._draw = draw
        self._shorten = shorten
        self._strategy = strategy if strategy is not None else DropNewest()
        self._average_bytes = SPAN_BYTES
        self._closed = False
        self.reset()

    def reset(self) -> None:
        """Empty, with locks of its own: what a forked child starts from. A closed buffer stays closed."""
        # Two queues and not one of pairs: fifty thousand tuples more would keep the garbage collector busy.
        self._waiting: deque[ReadableSpan] = deque()
        self._sizes: deque[int] = deque()
        # Only putting takes this lock. It is re-entrant, because a span may end in a ``__del__`` or a signal handler
        # which interrupts another ``put`` of the same thread. Taking needs none (a deque's ends are atomic), so a
        # handler that flushes while its thread holds the lock does not wait for itself, and no taker for a putter.
        self._put_lock = threading.RLock()
        self._putting = False
        self._unmeasured = 0  # spans to come that need not be looked at
        self._unbooked: deque[int] = deque()  # sizes of those put without the lock, for the next one who holds it
        self._put_spans = self._put_bytes = 0  # what is dropped leaves the bytes again
        self._taken_spans = self._taken_bytes = 0
        self._owed_bytes = 0  # counted for spans after they had their sizes: the next one's size carries it
        self._checked_out_bytes = 0
        self._dropped_spans = 0
        self._pressure_changes: deque[tuple[bool, float]] = deque(maxlen=_PRESSURE_CHANGES)
        self._under_pressure = False
        self._relax()
        self._strategy.reset()

    @property
    def waiting_spans(self) -> int:
        """Spans that wait."""
        return len(self._waiting)

    @property
    def waiting_bytes(self) -> int:
        """Bytes that they hold."""
        return max(0, self._put_bytes - self._taken_bytes + len(self._unbooked) * self._average_bytes)

    @property
    def held_bytes(self) -> int:
        """Bytes that they hold, and those that are checked out: what the limit is for."""
        return self.waiting_bytes + self._checked_out_bytes

    @property
    def put_spans(self) -> int:
        """Spans ever accepted."""
        with self._put_lock:
            self._book()
            return self._put_spans

    @property
    def taken_spans(self) -> int:
        """Spans ever taken, or dropped in favour of newer ones: the first so many of those accepted."""
        return self._taken_spans + self._dropped_spans

    @property
    def utilisation(self) -> float:
        """Used share of the scarcer limit, from 0 to 1."""
        return max(len(self._waiting) / self.max_spans, self.held_bytes / self.max_bytes)

    @property
    def under_pressure(self) -> bool:
        """Whether ``high`` has been reached, and ``low`` not since."""
        return self._under_pressure

    @property
    def sample_rate(self) -> float:
        """The share of new traces that is kept now."""
        return self._strategy.share(self)

    def pressure_changes(self) -> list[tuple[bool, float]]:
        """What ``under_pressure`` became since this was last asked, and the utilisation then; the last few changes."""
        changes = []
        while self._pressure_changes:
            changes.append(self._pressure_changes.popleft())
        return changes

    def put(self, span: ReadableSpan) -> Cause:
        """Accept a span, or say why not: ``QUEUE_FULL``, ``SAMPLED``, or ``SHUTDOWN`` once closed.

        Never waits for a taker, unless the strategy is ``Block``.
        """
        if self._unmeasured > 0:
            self._unmeasured -= 1  # two threads at once may count one: it is a draw anyway
            return self._put_unbooked(span, self._average_bytes)
        size = size_bytes(span)
        if size > self.max_bytes:
            span = self._shorten(span)
            size = size_bytes(span)
        if not self._put_lock.acquire(blocking=self._alert and self._is_tight(size)):
            return self._put_unbooked(span, size)
        try:
            if self._closed:
                return Cause.SHUTDOWN
            nested, self._putting = self._putting, True
            try:
                self._book(size)
                self._average_bytes += (size - self._average_bytes) >> _AVERAGE_BITS
                waiting_spans = len(self._waiting) + 1
                held_bytes = self._put_bytes - self._taken_bytes + self._checked_out_bytes + size
                if waiting_spans <= self._free_spans and held_bytes <= self._free_bytes:
                    self._add(span, size)
                    self._unmeasured = self._draw_unmeasured(waiting_spans, held_bytes)
                    return ACCEPTED
                if waiting_spans > self._high_spans or held_bytes > self._high_bytes:
                    self._press()
            finally:
                self._putting = nested
        finally:
            self._put_lock.release()
        return self._strategy.put(self, span, size, nested=nested)

    def _is_tight(self, size: int) -> bool:
        """Whether a span has to wait for its turn: for the strategy, or as the next ones may find no room."""
        return (
            self._strategy.judges_every_span
            or len(self._waiting) + _AT_ONCE > self.max_spans
            or self.held_bytes + _AT_ONCE * size > self.max_bytes
        )

    def _put_unbooked(self, span: ReadableSpan, size: int) -> Cause:
        self._sizes.append(size)  # as in _add
        self._waiting.append(span)
        self._unbooked.append(size)
        return ACCEPTED if not self._closed else self._withdraw(span)

    def _withdraw(self, span: ReadableSpan) -> Cause:
        """Take back a span that was put while the buffer was closed, unless a taker has it already."""
        with self._put_lock:
            try:
                self._waiting.remove(span)
            except ValueError:
                return ACCEPTED
            self._forget_one()
            return Cause.SHUTDOWN

    def try_put(self, span: ReadableSpan, size_bytes: int) -> Cause:
        """For strategies: accept a span within the limits, or say ``QUEUE_FULL`` or ``SHUTDOWN``. Waits for nothing."""
        with self._put_lock:
            if self._closed:
                return Cause.SHUTDOWN
            self._book()
            held_bytes = self._put_bytes - self._taken_bytes + self._checked_out_bytes + size_bytes
            if len(self._waiting) >= self.max_spans or held_bytes > self.max_bytes:
                return Cause.QUEUE_FULL
            self._add(span, size_bytes)
            return Cause.ACCEPTED

    def drop_oldest(self) -> bool:
        """For strategies: forget the span that has waited longest; False when none waits."""
        with self._put_lock:
            try:
                self._waiting.popleft()
            except IndexError:
                return False
            self._forget_one()
            return True

    def holds(self, spans: int, size_bytes: int) -> bool:
        """Whether so many spans wait, or so many bytes."""
        if len(self._waiting) >= spans:
            return True
        unbooked_bytes = len(self._unbooked) * self._average_bytes  # as waiting_bytes, which is a call more
        return self._put_bytes - self._taken_bytes + unbooked_bytes >= size_bytes

    def take(self, max_spans: int, max_bytes: int) -> list[ReadableSpan]:
        """Remove the oldest spans, until ``max_spans`` or ``max_bytes`` are reached; at least one when any waits."""
        spans, size = self.check_out(max_spans, max_bytes)
        self.settle(size)
        return spans

    def check_out(self, max_spans: int, max_bytes: int) -> tuple[list[ReadableSpan], int]:
        """``take`` for whoever has to send them yet: their bytes, which come second, count until they are settled."""
        spans: list[ReadableSpan] = []
        size = booked_bytes = 0
        while len(spans) < max_spans and size < max_bytes:
            try:
                span = self._waiting.popleft()
            except IndexError:
                break
            booked_bytes += self._sizes.popleft()
            span_bytes = size_bytes(span)
            if span_bytes > self.max_bytes:  # it was not measured when it was put
                span = self._shorten(span)
                span_bytes = size_bytes(span)
            spans.append(span)
            size += span_bytes
        self._taken_spans += len(spans)
        self._taken_bytes += booked_bytes
        self._checked_out_bytes += size
        self._made_room()
        return spans, size

    def settle(self, size_bytes: int) -> None:
        """So many bytes of what was checked out are in memory no more. Not at the same time as ``check_out``."""
        self._checked_out_bytes -= size_bytes
        self._made_room()

    def _made_room(self) -> None:
        self._strategy.made_room()
        if self._alert:
            self._ease()

    def shares_of(self, spans: Sequence[ReadableSpan]) -> dict[str, float]:
        """Of spans just taken, by id (16 hex digits): the share of traces kept when these were. Those not named: all.

        To be asked once after each ``take``.
        """
        return self._strategy.shares_of(spans)

    def clear(self) -> int:
        """Forget what waits, and say how many spans that was."""
        spans = self.take(self.max_spans, 2 * self.max_bytes)
        self.shares_of(spans)
        return len(spans)

    def close(self) -> None:
        """Accept nothing from now on, and let nobody wait for room; what waits can still be taken."""
        with self._put_lock:
            self._closed = True
            self._unmeasured = 0
        self._strategy.made_room()

    # --- With the lock held -------------------------------------------------------------------------------------------

    def _add(self, span: ReadableSpan, size: int) -> None:
        self._put_spans += 1
        self._put_bytes += size
        if self._owed_bytes:
            size += self._owed_bytes
            self._owed_bytes = 0
        self._sizes.append(size)  # before its span, as whoever takes the span takes the size next
        self._waiting.append(span)

    def _book(self, newest_bytes: int = 0) -> None:
        """Count those that were put without the lock. They are measured if they counted for much too little, should
        they be as large as the newest one.
        """
        spans = booked_bytes = 0
        while self._unbooked:
            booked_bytes += self._unbooked.popleft()
            spans += 1
        self._put_spans += spans
        self._put_bytes += booked_bytes
        if spans * newest_bytes - booked_bytes > self._error_bytes:
            missing_bytes = max(0, self._last_bytes(spans) - booked_bytes)
            self._owed_bytes += missing_bytes
            self._put_bytes += missing_bytes

    def _last_bytes(self, spans: int) -> int:
        size = 0
        for position in range(-1, -spans - 1, -1):
            try:
                size += size_bytes(self._waiting[position])
            except IndexError:  # taken meanwhile
                break
        return size

    def _forget_one(self) -> None:
        # With a taker in between, not the size of the span that left perhaps; but each size is subtracted once.
        self._put_bytes -= self._sizes.popleft()
        self._dropped_spans += 1

    def _draw_unmeasured(self, waiting_spans: int, held_bytes: int) -> int:
        """For how many spans that come next the average will do: fewer where the roomy quarter ends before."""
        roomy = min(self._roomy_spans - waiting_spans, (self._roomy_bytes - held_bytes) // self._average_bytes)
        return min(self._draw(_SAMPLE_BITS), roomy) if roomy > 0 else 0

    def _press(self) -> None:
        """From now on ask the strategy about every span, or about those that find no room: as it likes."""
        if not self._under_pressure:
            self._under_pressure = True
            self._pressure_changes.append((True, self.utilisation))
        self._alert = True
        everything = self._strategy.judges_every_span
        self._free_spans, self._free_bytes = (0, 0) if everything else (self.max_spans, self.max_bytes)

    def _relax(self) -> None:
        """Until pressure begins, accept whatever comes."""
        self._alert = False
        self._free_spans, self._free_bytes = self._high_spans, self._high_bytes

    def _ease(self) -> None:
        """End the pressure when it is time. Takers don't wait for the lock: if it is taken, a later one sees to it."""
        if not self._put_lock.acquire(blocking=False):
            return
        try:
            if self._under_pressure and (utilisation := self.utilisation) <= self.low:
                self._under_pressure = False
                self._pressure_changes.append((False, utilisation))
            if not self._under_pressure and self._strategy.at_rest():
                self._relax()
        finally:
            self._put_lock.release()

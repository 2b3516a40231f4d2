"""Where ended spans wait in memory, bounded by number and by bytes; nothing here survives the process."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.util.types import Attributes

from langfuse_otel.tally import Cause

SPAN_BYTES = 2_000
"""What a span takes besides its text: objects, ids, times, keys, numbers."""

_SAMPLE_BITS = 3  # one span in 2^3 is measured
_ROOMY_SHARE = 4  # while less than one 4th of each limit is used
_draw = random.Random().getrandbits  # noqa: S311  # for samples, and not the generator that the application may seed


def size_bytes(span: ReadableSpan) -> int:
    """About the memory that a span holds: its text, one byte a character, and a constant. Cheap rather than exact."""
    size = SPAN_BYTES + _text_bytes(span.attributes)
    for event in span.events:
        size += _text_bytes(event.attributes)
    return size


def _text_bytes(attributes: Attributes) -> int:
    if attributes is None:
        return 0
    # The SDK's attributes copy as fast as a dict; going through their values in place takes three times as long.
    copy = getattr(attributes, "copy", None)
    size = 0
    for value in (copy() if copy else attributes).values():
        if type(value) is str:
            size += len(value)
        elif type(value) is tuple:
            size += sum([len(item) if type(item) is str else 8 for item in value])
    return size


class Buffer:
    """First in, first out; many threads put, one at a time takes.

    Args:
        max_spans: Spans that may wait.
        max_bytes: Bytes that they may hold, by ``size_bytes``.
        draw: So many random bits; they choose the spans to measure.

    At either limit the newest span is refused: those that wait belong to traces which are partly sent already.

    Measuring takes longer than all else here. While less than a quarter of either limit is used, one span in eight is
    measured, and the others count for their average; beyond that, every span. So the bytes are right to within the
    error of that estimate, which can be about the first quarter only: a single span counts for less than it holds until
    one like it is drawn, after eight of them on average.
    """

    def __init__(self, max_spans: int, max_bytes: int, draw: Callable[[int], int] = _draw) -> None:
        self.max_spans = max_spans
        self.max_bytes = max_bytes
        self._roomy_spans = max_spans // _ROOMY_SHARE
        self._roomy_bytes = max_bytes // _ROOMY_SHARE
        self._draw = draw
        self._average_bytes = SPAN_BYTES
        self._closed = False
        self.reset()

    def reset(self) -> None:
        """Empty, with a lock of its own: what a forked child starts from. A closed buffer stays closed."""
        # Two queues and not one of pairs: fifty thousand tuples more would keep the garbage collector busy.
        self._waiting: deque[ReadableSpan] = deque()
        self._sizes: deque[int] = deque()
        # Only ``put`` takes this lock. It is re-entrant, because a span may end in a ``__del__`` or a signal handler
        # which interrupts another ``put`` of the same thread. Taking needs none (a deque's ends are atomic), so a
        # handler that flushes while its thread holds the lock does not wait for itself.
        self._put_lock = threading.RLock()
        self._put_spans = self._put_bytes = 0
        self._taken_spans = self._taken_bytes = 0

    @property
    def waiting_spans(self) -> int:
        """Spans that wait."""
        return len(self._waiting)

    @property
    def waiting_bytes(self) -> int:
        """Bytes that they hold."""
        return max(0, self._put_bytes - self._taken_bytes)

    @property
    def put_spans(self) -> int:
        """Spans ever accepted."""
        return self._put_spans

    @property
    def taken_spans(self) -> int:
        """Spans ever taken: the first so many of those accepted."""
        return self._taken_spans

    def put(self, span: ReadableSpan) -> Cause:
        """Accept a span, or say why not: ``QUEUE_FULL``, or ``SHUTDOWN`` once closed. Never waits for a taker."""
        with self._put_lock:
            if self._closed:
                return Cause.SHUTDOWN
            waiting_spans, waiting_bytes = len(self._waiting), self._put_bytes - self._taken_bytes
            roomy = waiting_bytes < self._roomy_bytes and waiting_spans < self._roomy_spans
            if roomy and self._draw(_SAMPLE_BITS):
                size = self._average_bytes
            else:
                size = size_bytes(span)
                self._average_bytes += (size - self._average_bytes) >> _SAMPLE_BITS
            if waiting_spans >= self.max_spans or waiting_bytes + size > self.max_bytes:
                return Cause.QUEUE_FULL
            self._sizes.append(size)  # before its span, as whoever takes the span takes the size next
            self._waiting.append(span)
            self._put_spans += 1
            self._put_bytes += size
        return Cause.ACCEPTED

    def holds(self, spans: int, size_bytes: int) -> bool:
        """Whether so many spans wait, or so many bytes."""
        return len(self._waiting) >= spans or self._put_bytes - self._taken_bytes >= size_bytes

    def take(self, max_spans: int, max_bytes: int) -> list[ReadableSpan]:
        """Remove the oldest spans, until ``max_spans`` or ``max_bytes`` are reached; at least one when any waits."""
        spans: list[ReadableSpan] = []
        taken_bytes = 0
        while len(spans) < max_spans and taken_bytes < max_bytes:
            try:
                spans.append(self._waiting.popleft())
            except IndexError:
                break
            taken_bytes += self._sizes.popleft()
        self._taken_spans += len(spans)
        self._taken_bytes += taken_bytes
        return spans

    def clear(self) -> int:
        """Forget what waits, and say how many spans that was."""
        return len(self.take(self.max_spans, 2 * self.max_bytes))

    def close(self) -> None:
        """Accept nothing from now on; what waits can still be taken."""
        with self._put_lock:
            self._closed = True

"""Calls that a framework tells of in callbacks: at their start, for each chunk, and at their end."""

from __future__ import annotations

from itertools import pairwise
from time import perf_counter
from typing import Any

from langfuse_otel.instrumentation.abandoned import abandoned_streams
from langfuse_otel.instrumentation.call import AbandonedStreamError, Call, Current, Telemetry, begin
from langfuse_otel.instrumentation.declare import Arguments, Endpoint


class CalledBack:
    """One call, driven by callbacks from any task or thread.

    Attributes:
        context: In which what happens inside the call runs: its span is current, and nested calls are silent.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._is_read = False
        self._taken_at_s: list[float] = []  # from the first chunk with content on
        self._outcome: tuple[Any, BaseException | None] = (None, AbandonedStreamError("abandoned"))
        self.context = call.context

    @classmethod
    def begin(cls, endpoint: Endpoint, telemetry: Telemetry, arguments: Arguments) -> CalledBack | None:
        """Start the span of a call, below the current one; None if the call is not to be traced.

        ``arguments`` are what the endpoint's functions get, those of the object that is called as well.
        """
        call = begin(endpoint, telemetry, arguments, arguments)
        return None if call is None else cls(call)

    def chunk(self, *, has_content: bool) -> None:
        """A chunk has come. The first with content stops the clock of the time to first chunk."""
        if has_content or self._taken_at_s:
            self._taken_at_s.append(perf_counter())
        self._call.is_streamed()
        self._read_request()

    def end(self, response: Any = None, error: BaseException | None = None) -> None:
        """Record the outcome and end the span. Never raises. A stream that was closed early is no error."""
        self._read_request()
        if isinstance(error, GeneratorExit):
            self._call.stop_clock()
            self._outcome = (response, None)
            abandoned_streams.end(self)
        else:
            self._end(response, error)

    def end_abandoned(self) -> None:
        """End it, unless it has ended: its end will not be called back."""
        self._end(*self._outcome)

    def _read_request(self) -> None:
        if not self._is_read:
            self._is_read = True
            with Current(self.context):
                self._call.read_request()

    def _end(self, response: Any, error: BaseException | None) -> None:
        times_s = self._taken_at_s
        first_s = times_s[0] - self._call.started_at_s if times_s else None
        gaps_s = (later_s - earlier_s for earlier_s, later_s in pairwise(times_s))
        if first_s is not None:
            self._call.is_streamed()
        self._call.end(response, error, time_to_first_chunk_s=first_s, times_per_chunk_s=gaps_s)

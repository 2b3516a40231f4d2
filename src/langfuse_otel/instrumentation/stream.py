"""Streams of chunks: watched while the application reads them, ended once however it stops.

The stream that the client made stays underneath; the application gets a proxy of the same class (``isinstance``
holds). No context stays attached between two reads, so a stream may be read in another task or thread.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from time import perf_counter
from typing import Any

from langfuse_otel.instrumentation.abandoned import abandoned_streams
from langfuse_otel.instrumentation.call import AbandonedStreamError, Call, Current
from langfuse_otel.instrumentation.declare import Accumulator
from langfuse_otel.instrumentation.guard import guarded, report
from langfuse_otel.instrumentation.proxy import Proxy

_CLOSING = ("close", "aclose")


class Progress:
    """What is known of a stream while it is read: the core of both shells, without I/O.

    Args:
        call: The call that the stream belongs to.
        is_extra: Tells chunks that are there only because we asked for them; None if we did not.
        works_in_reads: Whether the call is made while the stream is read, as that of a generator: the call's context
            is then the current one during each read, and only then.
    """

    __slots__ = ("__weakref__", "_accumulator", "_call", "_is_extra", "_taken_at_s", "is_reading", "reading")

    def __init__(
        self, call: Call, is_extra: Callable[[Any], bool] | None = None, *, works_in_reads: bool = False
    ) -> None:
        self.reading: Callable[[], Current] | None = call.current if works_in_reads else None
        make = call.endpoint.accumulator
        self._accumulator: Accumulator = make() if make is not None else _Uncounted()
        self._call = call
        self._is_extra = is_extra
        self._taken_at_s: list[float] = []  # from the first chunk with content on
        self.is_reading = False
        abandoned_streams.watch(self)

    def take(self, chunk: Any) -> bool:
        """Take in a chunk; False if it is to be kept from the application."""
        now_s = perf_counter()
        try:
            has_content = self._accumulator.add(chunk)
        except Exception as error:
            report("reading a chunk", error)
            has_content = True  # as far as we can tell
        if has_content or self._taken_at_s:
            self._taken_at_s.append(now_s)
        return self._is_extra is None or not guarded("recognising a usage chunk", self._is_extra, chunk)

    def end(self, error: BaseException | None = None) -> None:
        """The stream is over: read to its end, closed early, or failed with ``error``."""
        if self._call.ended:
            return
        response = guarded("joining the chunks", lambda chunks: chunks.response(), self._accumulator)
        times_s = self._taken_at_s
        first_s = times_s[0] - self._call.started_at_s if times_s else None
        gaps_s = (later_s - earlier_s for earlier_s, later_s in pairwise(times_s))
        self._call.end(response, error, time_to_first_chunk_s=first_s, times_per_chunk_s=gaps_s)

    def closed(self) -> None:
        """Something underneath was closed. During a read that is the read's own doing, and its outcome decides."""
        if abandoned_streams.is_collecting:  # dropped, and taken apart from below
            self.abandoned()
        elif not self.is_reading:
            self.end()

    def abandoned(self) -> None:
        """The application dropped the stream without reading it to its end."""
        if not self._call.ended:
            self._call.stop_clock()
            abandoned_streams.end(self)

    def end_abandoned(self) -> None:
        """End a stream that nobody will read on."""
        self.end(AbandonedStreamError("abandoned stream"))


class _Uncounted:
    """The accumulator of an endpoint that was not expected to stream: only time is taken."""

    def add(self, chunk: Any) -> bool:
        return True

    def response(self) -> None:
        return None


class Watched(Proxy):
    """Something that is read, of which ``progress`` is told; when it is dropped, the call is over."""

    def __init__(self, source: Any, progress: Progress) -> None:
        super().__init__(source)
        self._self_progress = progress

    def __del__(self) -> None:
        try:
            self._self_progress.abandoned()
        except Exception:  # half-made, or the interpreter is going down: nobody is left to tell
            return


class _StreamProxy(Watched):
    """What both shells share: closing."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.__wrapped__, name)
        return closing(value, self._self_progress.closed) if name in _CLOSING else value


class SyncStream(_StreamProxy):
    """Shell of a stream that is read with ``for``."""

    def __iter__(self) -> Iterator[Any]:
        chunks = iter(self.__wrapped__)
        return self if chunks is self.__wrapped__ else self._self_chunks(chunks)

    def _self_chunks(self, chunks: Iterator[Any]) -> Iterator[Any]:
        """For streams that are read through an iterator of their own; leaving it unfinished does not end the stream."""
        progress: Progress = self._self_progress
        while True:
            progress.is_reading = True
            try:
                chunk = next(chunks)
            except StopIteration:
                progress.end()
                return
            except BaseException as error:
                progress.end(error)
                raise
            finally:
                progress.is_reading = False
            if progress.take(chunk):
                yield chunk

    def __next__(self) -> Any:
        progress: Progress = self._self_progress
        while True:
            progress.is_reading = True
            try:
                if progress.reading is None:
                    chunk = next(self.__wrapped__)
                else:
                    with progress.reading():
                        chunk = next(self.__wrapped__)
            except StopIteration:
                progress.end()
                raise
            except BaseException as error:
                progress.end(error)
                raise
            finally:
                progress.is_reading = False
            if progress.take(chunk):
                return chunk

    def __enter__(self) -> Any:
        entered = self.__wrapped__.__enter__()
        return self if entered is self.__wrapped__ else entered

    def __exit__(self, *exception: Any) -> Any:
        try:
            return self.__wrapped__.__exit__(*exception)
        finally:
            self._self_progress.end()


class AsyncStream(_StreamProxy):
    """Shell of a stream that is read with ``async for``."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        progress: Progress = self._self_progress
        while True:
            progress.is_reading = True
            try:
                if progress.reading is None:
                    chunk = await self.__wrapped__.__anext__()
                else:
                    with progress.reading():
                        chunk = await self.__wrapped__.__anext__()
            except StopAsyncIteration:
                progress.end()
                raise
            except BaseException as error:
                progress.end(error)
                raise
            finally:
                progress.is_reading = False
            if progress.take(chunk):
                return chunk

    async def __aenter__(self) -> Any:
        entered = await self.__wrapped__.__aenter__()
        return self if entered is self.__wrapped__ else entered

    async def __aexit__(self, *exception: Any) -> Any:
        try:
            return await self.__wrapped__.__aexit__(*exception)
        finally:
            self._self_progress.end()


@lru_cache(maxsize=256)
def is_stream(kind: type) -> bool:
    """Whether results of this class are read chunk by chunk."""
    return hasattr(kind, "__next__") or hasattr(kind, "__anext__")


def is_generator(stream: Any) -> bool:
    """Whether a stream works only while it is read."""
    return inspect.isgenerator(stream) or inspect.isasyncgen(stream)


def watched(stream: Any, progress: Progress) -> Any:
    """The proxy to hand to the application in place of ``stream``."""
    return (AsyncStream if hasattr(type(stream), "__anext__") else SyncStream)(stream, progress)


def watch_closing(connection: Any, closed: Callable[[], None]) -> None:
    """Call ``closed`` after the first ``close`` or ``aclose`` of this one object."""

    def first_closed() -> None:
        # Our methods hold the object that holds them: without this, each would wait for the garbage collector.
        for name in _CLOSING:
            vars(connection).pop(name, None)
        closed()

    for name in _CLOSING:
        method = getattr(connection, name, None)
        if method is not None:
            setattr(connection, name, closing(method, first_closed))


def closing(method: Callable[..., Any], closed: Callable[[], None]) -> Callable[..., Any]:
    """``method``, sync or async, followed by ``closed``, also when it raises."""

    async def finish(pending: Any) -> Any:
        try:
            return await pending
        finally:
            closed()

    def close(*args: Any, **kwargs: Any) -> Any:
        try:
            pending = method(*args, **kwargs)
        except BaseException:
            closed()
            raise
        if pending is not None and inspect.isawaitable(pending):
            return finish(pending)
        closed()
        return pending

    return close

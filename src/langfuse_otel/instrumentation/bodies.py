"""Answers that hold what is still to come: an iterable of events, or the bytes of a body. Both stay what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from langfuse_otel.instrumentation.guard import report
from langfuse_otel.instrumentation.stream import Progress, SyncStream, Watched, closing


class _Held(Watched):
    """What an answer holds: closing it ends the call with what came until then. It is pickled as it is."""

    def close(self) -> Any:
        """Its own ``close()``."""
        return closing(self.__wrapped__.close, self._self_progress.closed)()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__wrapped__.__reduce_ex__(protocol)


class EventSource(_Held):
    """A stream that can be iterated, more than once: a loop goes on where the one before it stopped."""

    def __iter__(self) -> Iterator[Any]:
        return _Loop(self, self.__wrapped__, self._self_progress)


class _Loop(SyncStream):
    """One loop over an event source. Leaving it ends nothing: the source may be read on."""

    def __init__(self, owner: EventSource, source: Any, progress: Progress) -> None:
        super().__init__(iter(source), progress)
        self._self_owner = owner  # the source lives as long as somebody loops over it

    def __del__(self) -> None:
        """Nothing is over yet."""


class ReadAside(_Held):
    """A raw byte stream (``read``, ``readinto``, ``readlines`` …), of which a copy goes to ``progress``.

    The call ends when the last byte was read, which is seen by the length, an empty or short read, or a read of all;
    when the stream is closed; and as abandoned when it is dropped before.

    Args:
        raw: The stream.
        progress: Gets the bytes as chunks.
        length: Of the whole stream in bytes, if it is known.
    """

    def __init__(self, raw: Any, progress: Progress, length: int | None = None) -> None:
        super().__init__(raw, progress)
        self._self_left = length

    def read(self, amt: int | None = None, *args: Any, **kwargs: Any) -> Any:
        """The stream's own ``read``."""
        return self._self_read(lambda: self.__wrapped__.read(amt, *args, **kwargs), amt)

    def readinto(self, buffer: Any) -> int:
        """The stream's own ``readinto``."""
        count = self._self_watched(lambda: self.__wrapped__.readinto(buffer))
        self._self_took(bytes(memoryview(buffer)[:count]), is_last=count == 0 and len(buffer) > 0)
        return int(count)

    def readline(self, *args: Any) -> Any:
        """The stream's own ``readline``."""
        return self._self_read(lambda: self.__wrapped__.readline(*args), 1)

    def readlines(self, *args: Any) -> Any:
        """The stream's own ``readlines``."""
        lines = self._self_watched(lambda: self.__wrapped__.readlines(*args))
        self._self_took(b"".join(lines), is_last=True)
        return lines

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """The stream's own ``stream``: pieces until its end."""
        pieces = self.__wrapped__.stream(*args, **kwargs)
        while (piece := self._self_read(lambda: next(pieces, None), None, goes_on=True)) is not None:
            yield piece

    def __iter__(self) -> Iterator[Any]:
        return self.stream() if hasattr(self.__wrapped__, "stream") else iter(self.readline, b"")

    def _self_read(self, read: Callable[[], Any], asked: int | None, *, goes_on: bool = False) -> Any:
        data = self._self_watched(read)
        everything = (asked is None or asked < 0) and not goes_on
        self._self_took(data or b"", is_last=everything or (asked != 0 and not data) or len(data) < (asked or 0))
        return data

    def _self_watched(self, read: Callable[[], Any]) -> Any:
        self._self_progress.is_reading = True
        try:
            return read()
        except BaseException as error:
            self._self_progress.end(error)
            raise
        finally:
            self._self_progress.is_reading = False

    def _self_took(self, data: bytes, *, is_last: bool) -> None:
        try:
            self._self_progress.take(data)
            if self._self_left is not None:
                self._self_left -= len(data)
            if is_last or (self._self_left is not None and self._self_left <= 0):
                self._self_progress.end()
        except Exception as error:
            report("reading a body", error)

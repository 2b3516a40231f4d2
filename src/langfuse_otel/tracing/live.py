"""An observation that is going on."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from contextvars import Token
from datetime import datetime
from types import TracebackType
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode
from typing_extensions import Self, Unpack

from langfuse_otel import log
from langfuse_otel.tracing.fields import GenerationFields, attributes_of


class LiveObservation:
    """A span in Langfuse's terms. Use it as a ``with`` or ``async with`` block, or call ``end`` yourself.

    As a block it is the parent of what begins inside, ends with it, and takes down an exception that leaves it. Made
    without a block it is nobody's parent. Nothing here raises for a value that cannot be shown.

    Attributes:
        span: The OpenTelemetry span, for whatever else you want to say.
    """

    def __init__(self, span: Span) -> None:
        self.span = span
        self._tokens: list[Token[Context]] = []

    @property
    def trace_id(self) -> str:
        """Id of its trace, 32 hex digits."""
        return format(self.span.get_span_context().trace_id, "032x")

    @property
    def id(self) -> str:
        """Its own id, 16 hex digits."""
        return format(self.span.get_span_context().span_id, "016x")

    def update(self, **fields: Unpack[GenerationFields]) -> Self:
        """Say more about it, or something else than before.

        Raises:
            TypeError: There is no such field.
        """
        self.span.set_attributes(attributes_of(fields))
        return self

    def end(
        self,
        *,
        output: Any = None,
        usage: Mapping[str, int] | None = None,
        cost: Mapping[str, float] | None = None,
        error: BaseException | str | None = None,
        end_time: datetime | None = None,
    ) -> None:
        """End it; only the first call counts.

        Args:
            output: What came of it.
            usage: Tokens, by Langfuse's keys.
            cost: US dollars, by Langfuse's keys.
            error: Why it failed: its level becomes ``ERROR``.
            end_time: When it ended; now by default.
        """
        self.update(output=output, usage=usage, cost=cost)
        if error is not None:
            self._fail(error)
        self.span.end(None if end_time is None else nanoseconds(end_time))

    def _fail(self, error: BaseException | str) -> None:
        if isinstance(error, BaseException):
            with contextlib.suppress(Exception):  # whatever its str() does
                self.span.record_exception(error)
        self.span.set_status(Status(StatusCode.ERROR, described(error)))

    def __enter__(self) -> Self:
        self._tokens.append(otel_context.attach(trace.set_span_in_context(self.span)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        otel_context.detach(self._tokens.pop())
        # A generator that is closed early, or a program that exits, is no failure.
        self.end(error=error if error is not None and not isinstance(error, (GeneratorExit, SystemExit)) else None)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)


def described(error: BaseException | str) -> str:
    """Kind and text of an error, whatever its ``str()`` does."""
    if isinstance(error, str):
        return error
    try:
        text = str(error)
    except Exception as broken:
        log.limited(logging.DEBUG, "tracing.error", "an exception has no text: %s", type(broken).__name__)
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def nanoseconds(moment: datetime) -> int:
    """Since 1970, to the microsecond. A moment without a time zone is local time, as everywhere in Python."""
    return int(moment.timestamp() * 1_000_000) * 1_000

"""Clients that trace themselves: our span stands in for theirs, so that a call is one span that says what both know.

The client's function that starts a span gets a tracer of ours. Inside a call of ours, that tracer hands out a view of
our span: what the client sets is set there, except message content, outcome and end, which are ours to decide. Where
calls are suppressed, it hands out no new span; clients that trace themselves do not look for that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.context import get_current
from opentelemetry.trace import NonRecordingSpan, Tracer, get_current_span

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.proxy import Proxy
from langfuse_otel.instrumentation.suppress import is_suppressed
from langfuse_otel.instrumentation.underway import Underway, underway

_OURS = names.CONTENT | {names.ERROR_TYPE}


def standing_in(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Wrapper, as wrapt calls it, of a function that starts a client's own span with a tracer that it is given."""
    named = {name: _stand_in(value) for name, value in kwargs.items()}
    return wrapped(*map(_stand_in, args), **named)


def _stand_in(argument: Any) -> Any:
    return _StandInTracer(argument) if isinstance(argument, Tracer) else argument


class _StandInTracer(Proxy):
    """The client's tracer, but for what is traced already."""

    def start_span(self, name: str, *args: Any, **kwargs: Any) -> Any:
        call = underway()
        if call is not None and call.is_model_call and not call.is_adopted:
            call.is_adopted = True
            span = _StandInSpan(call)
            span.set_attributes(kwargs.get("attributes") or {})
            return span
        if is_suppressed(get_current()):
            return NonRecordingSpan(get_current_span().get_span_context())
        return self.__wrapped__.start_span(name, *args, **kwargs)


class _StandInSpan(Proxy):
    """A call's span, as the client may use it."""

    def __init__(self, call: Underway) -> None:
        super().__init__(call.span)
        self._self_call = call

    def is_recording(self) -> bool:
        return not self._self_call.ended and bool(self.__wrapped__.is_recording())

    def set_attribute(self, key: str, value: Any) -> None:
        if key not in _OURS and not self._self_call.ended:
            self.__wrapped__.set_attribute(key, value)

    def set_attributes(self, attributes: Any) -> None:
        if not self._self_call.ended:
            self.__wrapped__.set_attributes({key: value for key, value in attributes.items() if key not in _OURS})

    def update_name(self, name: str) -> None:
        """Ours stays."""

    def set_status(self, status: Any, description: str | None = None) -> None:
        """Ours comes."""

    def record_exception(self, *args: Any, **kwargs: Any) -> None:
        """The outcome says it."""

    def end(self, end_time: int | None = None) -> None:
        """The call ends it."""

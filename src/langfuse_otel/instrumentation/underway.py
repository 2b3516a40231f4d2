"""What code below a call knows of it: found through the OpenTelemetry context, so in the right task and thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import Context, create_key
from opentelemetry.trace import Span

_KEY = create_key("langfuse_otel_call")


class Underway:
    """A call that is under way.

    Not the call itself: the context, which the call holds, holds this.

    Attributes:
        span: The span of the call.
        operation: Its ``gen_ai.operation.name``.
        is_model_call: See ``Endpoint.is_model_call``.
        requests: How many requests the client has sent for it, as far as they are counted.
        is_adopted: Whether the span stands in for the one that the client would make.
        ended: Whether the span has ended, or is about to.
    """

    __slots__ = ("ended", "is_adopted", "is_model_call", "operation", "requests", "span")

    def __init__(self, span: Span, operation: str, *, is_model_call: bool) -> None:
        self.span = span
        self.operation = operation
        self.is_model_call = is_model_call
        self.requests = 0
        self.is_adopted = False
        self.ended = False

    def within(self, context: Context, values: dict[str, object]) -> Context:
        """``context`` in which this is the innermost call, with further values."""
        return Context({**context, **values, _KEY: self})


def underway(context: Context | None = None) -> Underway | None:
    """The innermost call around a context, by default the current one, that has not ended; None outside of calls."""
    call = (otel_context.get_current() if context is None else context).get(_KEY)
    return call if isinstance(call, Underway) and not call.ended else None


def counting(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Wrapper, as wrapt calls it, of a function that runs once a request: all but a call's first are retries."""
    call = underway()
    if call is not None and call.is_model_call:
        call.requests += 1
    return wrapped(*args, **kwargs)

"""The two shells around a call, sync and async; they differ in ``await``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from langfuse_otel.instrumentation.abandoned import abandoned_streams
from langfuse_otel.instrumentation.call import Call, Telemetry, begin
from langfuse_otel.instrumentation.declare import Endpoint
from langfuse_otel.instrumentation.guard import guarded, report
from langfuse_otel.instrumentation.raw import RawResponse, body_of, is_raw
from langfuse_otel.instrumentation.stream import Progress, is_stream, watch_closing, watched

Method: TypeAlias = Callable[..., Any]
Wrapper: TypeAlias = Callable[[Method, Any, tuple[Any, ...], dict[str, Any]], Any]
"""As wrapt calls it: ``(wrapped, instance, args, kwargs)``."""


def shell(method: Method, endpoint: Endpoint, telemetry: Telemetry, is_active: Callable[[], bool]) -> Wrapper:
    """The wrapper for ``method``. While ``is_active()`` is false it only passes calls through."""

    def sync_call(wrapped: Method, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        exchange = _begin(endpoint, telemetry, instance, args, kwargs) if is_active() else None
        if exchange is None:
            return wrapped(*args, **kwargs)
        try:
            with exchange.call.current():
                result = wrapped(*args, **exchange.kwargs)
        except BaseException as error:
            exchange.failed(error)
            raise
        return exchange.returned(result)

    async def async_call(wrapped: Method, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        exchange = _begin(endpoint, telemetry, instance, args, kwargs) if is_active() else None
        if exchange is None:
            return await wrapped(*args, **kwargs)
        try:
            with exchange.call.current():
                result = await wrapped(*args, **exchange.kwargs)
        except BaseException as error:
            exchange.failed(error)
            raise
        return exchange.returned(result)

    # Clients decorate their methods with plain functions, so the innermost one tells whether it is async.
    return async_call if inspect.iscoroutinefunction(inspect.unwrap(method)) else sync_call


class _Exchange:
    """A call together with the arguments it is made with."""

    __slots__ = ("_is_extra", "call", "kwargs")

    def __init__(self, call: Call, kwargs: dict[str, Any], is_extra: Callable[[Any], bool] | None) -> None:
        self.call = call
        self.kwargs = kwargs
        self._is_extra = is_extra

    def failed(self, error: BaseException) -> None:
        self.call.read_request()
        self.call.end(error=error)

    def returned(self, result: Any) -> Any:
        """What the application gets: the result itself, or a proxy of its class if the call is not over yet."""
        try:
            self.call.read_request()
            return self._handed_on(result)
        except Exception as error:
            report("following a call", error)
            self.call.end()
            return result

    def _handed_on(self, result: Any) -> Any:
        call = self.call
        kind: type = type(result)
        if is_stream(kind):
            progress = Progress(call, self._is_extra)
            if call.endpoint.connection is not None:
                watch_closing(guarded("finding the connection", call.endpoint.connection, result), progress.closed)
            return watched(result, progress)
        if is_raw(kind):
            body = body_of(result)
            if body is None:
                is_streamed = bool(self.kwargs.get("stream"))
                return RawResponse(result, call, Progress(call, self._is_extra), is_streamed=is_streamed)
            call.end(body)
            return result
        call.end(result)
        return result


def _begin(
    endpoint: Endpoint, telemetry: Telemetry, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> _Exchange | None:
    abandoned_streams.end_waiting()
    for name in endpoint.sequences:
        value: Any = kwargs.get(name)
        if hasattr(value, "__next__"):
            kwargs[name] = list(value)
    call = begin(endpoint, telemetry, instance, endpoint.arguments(args, kwargs))
    if call is None:
        return None
    if call.asks_for_usage and endpoint.stream_usage is not None:
        asking = guarded("asking for usage", endpoint.stream_usage.ask, kwargs)
        if asking is not None:
            return _Exchange(call, asking, endpoint.stream_usage.is_extra)
    return _Exchange(call, kwargs, None)

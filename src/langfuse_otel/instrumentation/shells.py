"""The two shells around a call, sync and async; they differ in ``await``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from langfuse_otel.instrumentation.abandoned import abandoned_streams
from langfuse_otel.instrumentation.call import Call, Telemetry, begin
from langfuse_otel.instrumentation.declare import Choice, Endpoint
from langfuse_otel.instrumentation.guard import guarded, report
from langfuse_otel.instrumentation.proxy import Proxy
from langfuse_otel.instrumentation.raw import RawResponse, body_of, is_raw
from langfuse_otel.instrumentation.stream import Progress, is_generator, is_stream, watch_closing, watched

Method: TypeAlias = Callable[..., Any]
Wrapper: TypeAlias = Callable[[Method, Any, tuple[Any, ...], dict[str, Any]], Any]
"""As wrapt calls it: ``(wrapped, instance, args, kwargs)``."""


def shell(method: Method, endpoint: Endpoint | Choice, telemetry: Telemetry, is_active: Callable[[], bool]) -> Wrapper:
    """The wrapper for ``method``. While ``is_active()`` is false it only passes calls through."""

    def sync_call(wrapped: Method, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        exchange = _begin(endpoint, telemetry, instance, args, kwargs) if is_active() else None
        return wrapped(*args, **kwargs) if exchange is None else _made(exchange, wrapped, args)

    async def async_call(wrapped: Method, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        exchange = _begin(endpoint, telemetry, instance, args, kwargs) if is_active() else None
        return await (wrapped(*args, **kwargs) if exchange is None else _made_async(exchange, wrapped, args))

    return async_call if _is_async(method) else sync_call


def preparing_shell(
    sends_with: str, endpoint: Endpoint | Choice, telemetry: Telemetry, is_active: Callable[[], bool]
) -> Wrapper:
    """The wrapper for a method that prepares a call which ``sends_with`` of the same object makes, now or later."""

    def prepare(wrapped: Method, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        method = getattr(wrapped, "__func__", None)
        send = getattr(instance, sends_with, None)
        chosen = _chosen(endpoint, instance, args, kwargs) if is_active() else None
        if chosen is None or method is None or send is None:
            return wrapped(*args, **kwargs)
        arguments = _arguments(chosen, args, kwargs)

        def sync_send(*args: Any, **kwargs: Any) -> Any:
            call = begin(chosen, telemetry, instance, arguments)
            return send(*args, **kwargs) if call is None else _made(_Exchange(call, kwargs, None), send, args)

        async def async_send(*args: Any, **kwargs: Any) -> Any:
            call = begin(chosen, telemetry, instance, arguments)
            exchange = None if call is None else _Exchange(call, kwargs, None)
            return await (send(*args, **kwargs) if exchange is None else _made_async(exchange, send, args))

        sending = async_send if _is_async(send) else sync_send
        return method(_Sender(instance, sends_with, sending), *args, **kwargs)

    return prepare


class _Sender(Proxy):
    """An object of which one method is ours."""

    def __init__(self, instance: Any, name: str, method: Method) -> None:
        super().__init__(instance)
        self._self_name = name
        self._self_method = method

    def __getattr__(self, name: str) -> Any:
        return self._self_method if name == self._self_name else getattr(self.__wrapped__, name)


def _is_async(method: Method) -> bool:
    # Clients decorate their methods with plain functions, so the innermost one tells.
    return inspect.iscoroutinefunction(inspect.unwrap(method))


def _made(exchange: _Exchange, method: Method, args: tuple[Any, ...]) -> Any:
    try:
        with exchange.call.current():
            result = method(*args, **exchange.kwargs)
    except BaseException as error:
        exchange.failed(error)
        raise
    return exchange.returned(result)


async def _made_async(exchange: _Exchange, method: Method, args: tuple[Any, ...]) -> Any:
    try:
        with exchange.call.current():
            result = await method(*args, **exchange.kwargs)
    except BaseException as error:
        exchange.failed(error)
        raise
    return exchange.returned(result)


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
        if call.endpoint.hand_on is not None:
            return call.endpoint.hand_on(result, call)
        kind: type = type(result)
        if is_stream(kind) and (call.endpoint.is_model_call or call.endpoint.accumulator is not None):
            call.is_streamed()
            progress = Progress(call, self._is_extra, works_in_reads=is_generator(result))
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
    endpoint: Endpoint | Choice, telemetry: Telemetry, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> _Exchange | None:
    chosen = _chosen(endpoint, instance, args, kwargs)
    if chosen is None:
        return None
    abandoned_streams.end_waiting()
    call = begin(chosen, telemetry, instance, _arguments(chosen, args, kwargs))
    if call is None:
        return None
    if call.asks_for_usage and chosen.stream_usage is not None:
        asking = guarded("asking for usage", chosen.stream_usage.ask, kwargs)
        if asking is not None:
            return _Exchange(call, asking, chosen.stream_usage.is_extra)
    return _Exchange(call, kwargs, None)


def _chosen(
    endpoint: Endpoint | Choice, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Endpoint | None:
    if isinstance(endpoint, Endpoint):
        return endpoint
    return guarded("recognising a call", lambda choose: choose(instance, args, kwargs), endpoint)


def _arguments(endpoint: Endpoint, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """All arguments by name. One-shot iterators among ``kwargs`` become generators that keep what the client takes."""
    taken: dict[str, list[Any]] = {}
    for name in endpoint.sequences:
        value: Any = kwargs.get(name)
        if isinstance(value, Iterator):
            kwargs[name] = _keeping(value, taken.setdefault(name, []))
    arguments = endpoint.arguments(args, kwargs)
    arguments.update(taken)
    return arguments


def _keeping(items: Iterator[Any], taken: list[Any]) -> Iterator[Any]:
    for item in items:
        taken.append(item)
        yield item

"""What an instrumentation package writes: where a client's calls are made, and how to read them.

A package is a list of ``Hook``. Everything that happens around a call (spans, streams, errors, metrics, content
policy, suppression) is the toolkit's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from opentelemetry.util.types import AttributeValue

Arguments: TypeAlias = Mapping[str, Any]
"""A call's arguments by name."""

Attributes: TypeAlias = dict[str, AttributeValue]
"""Span attributes."""

Content: TypeAlias = dict[str, Any]
"""Content attributes before encoding: attribute name → structure (lists of the messages of ``messages.py``)."""


@dataclass(frozen=True, slots=True)
class Server:
    """Who answers: ``provider`` is a value of ``gen_ai.provider.name``; address and port are those of the request."""

    provider: str
    address: str | None = None
    port: int | None = None


class Accumulator(Protocol):
    """Chunks of one stream go in, one response comes out."""

    def add(self, chunk: Any) -> bool:
        """Take in a chunk. True when it carries content, which stops the clock of the time to first chunk."""
        ...

    def response(self) -> Any:
        """What was received so far, in a form that the endpoint's ``response`` and ``output`` read."""
        ...


@dataclass(frozen=True, slots=True)
class StreamUsage:
    """How to get the usage of a stream from a server that reports it only on request (setting ``stream_usage``).

    Attributes:
        ask: Arguments → the arguments that ask for usage, or None when there is nothing to add.
        is_extra: Whether a chunk is there only because we asked; it is kept from the application.
    """

    ask: Callable[[Arguments], dict[str, Any] | None]
    is_extra: Callable[[Any], bool]


def _no_content(_: Any) -> Content:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What the calls of one endpoint mean. All functions are pure; one that raises costs its attributes, not the call.

    Attributes:
        operation: Value of ``gen_ai.operation.name``.
        server: The object whose method is called → who will answer. Must be cheap: it runs before the request.
        request: Arguments → attributes.
        input: Arguments → content attributes; asked only if content is recorded or a prompt may be linked.
        response: Response → attributes. An ``error.type`` among them makes the span an error.
        output: Response → content attributes; asked only if content is recorded.
        accumulator: Makes an accumulator for a stream; None when the endpoint does not stream.
        salvage: Exception → a response that it carries, or None (an answer that was paid for but did not parse).
        connection: Stream → the object whose ``close`` ends the stream too, if helpers of the SDK go past the stream's.
        stream_usage: See ``StreamUsage``.
        positional: Names of the arguments that may come by position, without ``self``.
        sequences: Arguments that are read item by item. One-shot iterators become lists, so that we can read them
            too; lists are read as they are when the call begins, whatever the application does to them meanwhile.
    """

    operation: str
    server: Callable[[Any], Server]
    request: Callable[[Arguments], Attributes]
    input: Callable[[Arguments], Content] = _no_content
    response: Callable[[Any], Attributes]
    output: Callable[[Any], Content] = _no_content
    accumulator: Callable[[], Accumulator] | None = None
    salvage: Callable[[BaseException], Any] | None = None
    connection: Callable[[Any], Any] | None = None
    stream_usage: StreamUsage | None = None
    positional: tuple[str, ...] = ()
    sequences: tuple[str, ...] = ()

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """All arguments by name, sequences copied."""
        named = {**dict(zip(self.positional, args, strict=False)), **kwargs}
        for name in self.sequences:
            if isinstance(value := named.get(name), list):
                named[name] = value.copy()
        return named


@dataclass(frozen=True, slots=True)
class Hook:
    """One place where calls of an endpoint are made.

    Attributes:
        target: ``"module:Class.method"`` or ``"module:function"``; sync or async. A target that the installed
            version of the client does not have is skipped.
        endpoint: What the call means.
        also_traced_at: Further targets at which a foreign instrumentation would trace the same calls.
    """

    target: str
    endpoint: Endpoint
    also_traced_at: tuple[str, ...] = ()

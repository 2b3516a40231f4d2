"""What an instrumentation package writes: where a client's calls are made, and how to read them.

A package is a list of ``Hook``. Everything that happens around a call (spans, streams, errors, metrics, content
policy, suppression) is the toolkit's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from opentelemetry.util.types import AttributeValue

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.failures import http_failure

if TYPE_CHECKING:
    from langfuse_otel.instrumentation.call import Call


Arguments: TypeAlias = Mapping[str, Any]
"""A call's arguments by name."""

Attributes: TypeAlias = dict[str, AttributeValue]
"""Span attributes."""

Content: TypeAlias = dict[str, Any]
"""Content attributes before encoding: attribute name → structure (lists of the messages of ``messages.py``)."""


_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Server:
    """Who answers: ``provider`` is a value of ``gen_ai.provider.name``; address and port are those of the request."""

    provider: str
    address: str | None = None
    port: int | None = None

    @classmethod
    @lru_cache(maxsize=256)
    def at(cls, provider: str, base_url: str) -> Server:
        """The server at the base URL of a client."""
        url = urlsplit(base_url)
        return cls(provider, url.hostname, url.port or _DEFAULT_PORTS.get(url.scheme))


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


def _nothing(*_: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What the calls of one endpoint mean. All functions are pure; one that raises costs its attributes, not the call.

    Attributes:
        operation: Value of ``gen_ai.operation.name``.
        server: The object whose method is called → who will answer. Must be cheap: it runs before the request.
            None for what runs in this process.
        identity: Object and arguments → further attributes that samplers should see; as cheap.
        subject: Which of those attributes follows the operation in the span's name.
        is_model_call: Whether this is one call of one model. Model calls inside it are then part of it, and not traced
            again. Agents and tools are not: what they call is traced below them.
        request: Arguments → attributes.
        input: Arguments → content attributes; asked only if content is recorded or a prompt may be linked.
        response: Response → attributes. An ``error.type`` among them makes the span an error.
        output: Response → content attributes; asked only if content is recorded.
        accumulator: Makes an accumulator for a stream; None when the endpoint does not stream. What a tool or an agent
            without one returns is handed on as it is, whatever it is.
        salvage: Exception → a response that it carries, or None (an answer that was paid for but did not parse).
        failure: Exception → attributes, besides ``error.type``; by default the HTTP status code.
        connection: Stream → the object whose ``close`` ends the stream too, if helpers of the SDK go past the stream's.
        stream_usage: See ``StreamUsage``.
        positional: Names of the arguments that may come by position, without ``self``.
        hand_on: For results that hold a stream without being one: (result, call) → what the application gets. It ends
            the call, or sees to it that the stream does.
        sequences: Arguments that are read item by item. Of one-shot iterators we read what the client takes; lists are
            read as they are when the call begins, whatever the application does to them meanwhile.
    """

    operation: str
    server: Callable[[Any], Server] | None = None
    identity: Callable[[Any, Arguments], Attributes] = _nothing
    subject: str = names.REQUEST_MODEL
    is_model_call: bool = True
    request: Callable[[Arguments], Attributes] = _nothing
    input: Callable[[Arguments], Content] = _nothing
    response: Callable[[Any], Attributes] = _nothing
    output: Callable[[Any], Content] = _nothing
    accumulator: Callable[[], Accumulator] | None = None
    salvage: Callable[[BaseException], Any] | None = None
    failure: Callable[[BaseException], Attributes] = http_failure
    connection: Callable[[Any], Any] | None = None
    stream_usage: StreamUsage | None = None
    hand_on: Callable[[Any, Call], Any] | None = None
    positional: tuple[str, ...] = ()
    sequences: tuple[str, ...] = ()

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """All arguments by name, sequences copied."""
        named = {**dict(zip(self.positional, args, strict=False)), **kwargs}
        for name in self.sequences:
            if isinstance(value := named.get(name), list):
                named[name] = value.copy()
        return named


Choice: TypeAlias = Callable[[Any, tuple[Any, ...], dict[str, Any]], Endpoint | None]
"""For methods that serve several endpoints: (instance, args, kwargs) → the endpoint, or None if it is not traced."""


def tool_endpoint(
    name: Callable[[Arguments], str], arguments: Callable[[Arguments], Any], positional: tuple[str, ...] = ()
) -> Endpoint:
    """For the function of a client that runs a tool of the application.

    Args:
        name: Arguments of that function → the tool's name.
        arguments: Arguments of that function → the arguments of the tool.
        positional: See ``Endpoint``.
    """
    return Endpoint(
        operation=names.EXECUTE_TOOL,
        subject=names.TOOL_NAME,
        is_model_call=False,
        identity=lambda _, given: {names.TOOL_NAME: name(given), names.TOOL_TYPE: "function"},
        input=lambda given: {names.TOOL_CALL_ARGUMENTS: arguments(given)},
        output=lambda result: {names.TOOL_CALL_RESULT: result},
        positional=positional,
    )


def agent_endpoint(turn: Endpoint) -> Endpoint:
    """For methods of a client that call a model, run the tools it wants, and call it again by themselves.

    Args:
        turn: One call of the model: what goes in first and comes out last is read as this one's. Who answers, and what
            it costs, is told by the calls below the agent.
    """
    return Endpoint(
        operation=names.INVOKE_AGENT,
        subject=names.AGENT_NAME,
        is_model_call=False,
        input=turn.input,
        output=turn.output,
        accumulator=turn.accumulator,
        failure=turn.failure,
        positional=turn.positional,
        sequences=turn.sequences,
    )


@dataclass(frozen=True, slots=True)
class Hook:
    """One place where calls of an endpoint are made.

    Attributes:
        target: ``"module:Class.method"`` or ``"module:function"``; sync or async. A target that the installed
            version of the client does not have is skipped.
        endpoint: What the call means, or what decides that.
        also_traced_at: Further targets at which a foreign instrumentation would trace the same calls.
        sends_with: Set if the method only prepares a call, such as a stream helper that is entered later: the name of
            the method of the same object that sends it. The call begins when that is called, with the arguments of
            the target.
    """

    target: str
    endpoint: Endpoint | Choice
    also_traced_at: tuple[str, ...] = ()
    sends_with: str | None = None

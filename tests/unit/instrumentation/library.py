"""A client that retries, traces itself, prepares calls that are made later, and runs tools of the application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

tracer: Any = None
failures = 0


def build_request() -> None:
    """Runs once for every request."""


def start_own_span(tracer: Any, name: str) -> Any:
    return tracer.start_span(name, attributes={"library.route": "/v1", "gen_ai.input.messages": "secret"})


class Client:
    def ask(self, text: str, model: str = "m") -> str:
        return self.send(text)

    @contextmanager
    def prepare(self, text: str, model: str = "m") -> Iterator[str]:
        """Asks when it is entered."""
        send = self.send
        yield send(text)

    def send(self, text: str) -> str:
        span = start_own_span(tracer or trace.get_tracer("library"), "library.call")
        for _ in range(failures):
            build_request()
        build_request()
        with trace.use_span(span):
            span.set_attribute("library.request.id", "req_1")
            span.set_attribute("error.type", "theirs")
            span.set_status(Status(StatusCode.OK))
        span.end()
        return text.upper()

    def loop(self, tool: Callable[..., Any]) -> Iterator[Any]:
        """A generator that asks, runs a tool and asks again."""
        yield self.ask("first")
        yield run_tool({"city": "Ulm"}, tool)
        yield self.ask("second")


def run_tool(arguments: dict[str, Any], tool: Callable[..., Any]) -> Any:
    return tool(**arguments)

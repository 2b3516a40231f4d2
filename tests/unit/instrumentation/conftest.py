"""A small client library to instrument: what the toolkit must cope with, without any provider's details."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from langfuse_otel.instrumentation import Endpoint, Hook, Instrumentor, Server
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.contract import Recording


class Client:
    """Says back what it is told."""

    def say(self, text: str, model: str = "echo", **options: Any) -> dict[str, Any]:
        if text == "fail":
            raise ValueError("no")
        return {"said": text, "model": model}

    async def say_async(self, text: str, model: str = "echo", **options: Any) -> dict[str, Any]:
        return self.say(text, model)

    def spell(self, text: str, model: str = "echo") -> Iterator[str]:
        yield from text

    async def spell_async(self, text: str, model: str = "echo") -> AsyncIterator[str]:
        async def letters() -> AsyncIterator[str]:
            for letter in text:
                yield letter

        return letters()

    def say_twice(self, text: str) -> list[dict[str, Any]]:
        return [self.say(text), self.say(text)]


class Letters:
    def __init__(self) -> None:
        self.letters = ""

    def add(self, chunk: str) -> bool:
        self.letters += chunk
        return True

    def response(self) -> dict[str, Any]:
        return {"said": self.letters}


ECHO = Endpoint(
    operation="chat",
    server=lambda client: Server("echo_inc", "echo.test", 1),
    request=lambda arguments: {"gen_ai.request.temperature": arguments.get("temperature", 1.0)},
    input=lambda arguments: {names.INPUT_MESSAGES: [said.message("user", [said.text(arguments["text"])])]},
    response=lambda response: {names.USAGE_INPUT_TOKENS: len(response["said"])},
    output=lambda response: {names.OUTPUT_MESSAGES: [said.message("assistant", [said.text(response["said"])])]},
    accumulator=Letters,
    positional=("text", "model"),
)

METHODS = ("say", "say_async", "spell", "spell_async", "not_in_this_version")


class EchoInstrumentor(Instrumentor):
    scope = "echo_instrumentation"
    supported = ()
    hooks = tuple(Hook(f"echo_client:Client.{method}", ECHO) for method in METHODS)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    module = ModuleType("echo_client")
    module.Client = Client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "echo_client", module)
    return Client()


@pytest.fixture
def instrumentor() -> EchoInstrumentor:
    return EchoInstrumentor()


@pytest.fixture
def recording(client: Client, instrumentor: EchoInstrumentor) -> Iterator[Recording]:
    with Recording().of(instrumentor) as recorded:
        yield recorded


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Another client: it retries, traces itself, prepares calls that are made later, and runs tools."""
    module = ModuleType("library")
    code = Path(__file__).with_name("library.py").read_text()
    monkeypatch.setitem(sys.modules, "library", module)
    exec(compile(code, "library.py", "exec"), vars(module))  # fresh for each test
    return module

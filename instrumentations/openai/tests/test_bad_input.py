"""Odd arguments, odd replies and changed clients: the call is what it is without us."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, ClassVar

import pytest

from langfuse_otel.instrumentation.contract_bad_input import BadStreamContract
from langfuse_otel_openai import OpenAIInstrumentor
from support.bad_input_on_loopback import BadInputOnLoopback


class _OpenAI(BadInputOnLoopback):
    instrumentor = OpenAIInstrumentor
    path: ClassVar[str]

    def reply(self) -> Any:
        return self.server.answer_for(self.path, {})

    def stream(self) -> Any:
        return self.ask(stream=True)

    def chunks(self) -> list[Any]:
        return list(self.server.events_for(self.path, {"stream": True}))[:-1]  # without the mark of the end

    def stream_with(self, chunks: list[Any]) -> None:
        self.server.stream = chunks


class TestChatCompletions(_OpenAI, BadStreamContract):
    path = "/chat/completions"
    arguments: ClassVar[dict[str, Any]] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}

    @property
    def method(self) -> tuple[Any, str]:
        return self.client.chat.completions, "create"

    def places(self, value: Any) -> list[dict[str, Any]]:
        return [
            {"messages": value},
            {"messages": [value]},
            {"messages": [{"role": "user", "content": value}]},
            {"messages": [{"role": "user", "content": [{"type": "text", "text": value}]}]},
            {"model": value},
            {"temperature": value},
            {"stop": value},
            {"tools": [value]},
        ]


@pytest.mark.skipif(find_spec("openai.resources.responses") is None, reason="a client from before 1.66")
class TestResponses(_OpenAI, BadStreamContract):
    path = "/responses"
    arguments: ClassVar[dict[str, Any]] = {"model": "gpt-4o-mini", "input": "Hi"}

    @property
    def method(self) -> tuple[Any, str]:
        return self.client.responses, "create"

    def places(self, value: Any) -> list[dict[str, Any]]:
        return [
            {"input": value},
            {"input": [{"role": "user", "content": value}]},
            {"instructions": value},
            {"model": value},
            {"max_output_tokens": value},
            {"tools": [value]},
        ]

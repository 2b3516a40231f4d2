"""Odd arguments, odd replies and changed models: the call is what it is without us."""

from __future__ import annotations

from typing import Any, ClassVar

from langchain_core.messages import BaseMessage

from langfuse_otel.instrumentation.contract_bad_input import BadInputContract
from langfuse_otel_langchain import LangChainInstrumentor
from support.bad_input_on_loopback import BadInputOnLoopback


class TestChatModel(BadInputOnLoopback, BadInputContract):
    instrumentor = LangChainInstrumentor
    sees_all_errors = False  # an answer without a choice fails after LangChain has called the end back
    arguments: ClassVar[dict[str, Any]] = {"input": "Hi"}

    @property
    def method(self) -> tuple[Any, str]:
        return self.client, "invoke"

    def places(self, value: Any) -> list[dict[str, Any]]:
        return [
            {"input": value},
            {"input": [value]},
            {"input": [("user", value)]},
            {"temperature": value},
            {"stop": value},
            {"config": {"metadata": {"key": value}}},
            {"config": {"tags": [value]}},
        ]

    def told(self, result: Any) -> Any:
        """Without the ids that LangChain gives to each run."""
        return result.model_copy(update={"id": None}) if isinstance(result, BaseMessage) else result

    def reply(self) -> Any:
        return self.server.completion()

    def reply_with(self, body: Any) -> None:
        self.server.answers = [body]

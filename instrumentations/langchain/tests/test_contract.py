"""The toolkit's contract, kept by chat models."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import BaseMessage
from langchain_openai import OpenAI

from langfuse_otel.instrumentation.contract import TransparentCallContract, TransparentStreamContract
from langfuse_otel_langchain import LangChainInstrumentor
from support.on_loopback import CallOnLoopback


class _Model(CallOnLoopback, TransparentCallContract):
    instrumentor = LangChainInstrumentor

    def told(self, result: Any) -> Any:
        """Without the ids that LangChain gives to each run."""
        return result.model_copy(update={"id": None}) if isinstance(result, BaseMessage) else result


class TestChatModel(_Model, TransparentStreamContract):
    # LangChain's streams are generators: one that is dropped is closed by Python, which looks to LangChain as if the
    # application had closed it, and one that is not read was never begun.
    test_a_dropped_stream_ends_its_span_as_an_error = None  # type: ignore[assignment]
    test_a_stream_that_is_never_read_ends_its_span = None  # type: ignore[assignment]

    def call(self) -> Any:
        return self.client.invoke("Hi")

    def stream(self) -> Any:
        return self.client.stream("Hi")


class TestLLM(_Model):
    def call(self) -> Any:
        return OpenAI(base_url=self.server.url, api_key="sk-test", model="davinci", max_retries=0).invoke("Hi")

"""The toolkit's contract, kept by every endpoint."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from openai import OpenAI
from openai.resources.chat.completions import Completions

from langfuse_otel.instrumentation.contract import CallContract, StreamContract
from langfuse_otel_openai import OpenAIInstrumentor


class _Endpoint:
    instrumentor = OpenAIInstrumentor

    @pytest.fixture(autouse=True)
    def _loopback(self, server: Any, client: Any) -> None:
        self.server = server
        self.client = client

    def fail(self) -> Any:
        self.server.status = [404]
        return self.call()


class TestChatCompletions(_Endpoint, StreamContract):
    arguments: ClassVar[dict[str, Any]] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}

    def call(self) -> Any:
        return self.client.chat.completions.create(**self.arguments)

    def stream(self) -> Any:
        return self.client.chat.completions.create(**self.arguments, stream=True)


@pytest.mark.skipif(not hasattr(Completions, "parse"), reason="a client from before 1.92")
class TestChatCompletionsParse(_Endpoint, CallContract):
    def call(self) -> Any:
        messages = [{"role": "user", "content": "Hi"}]
        return self.client.chat.completions.parse(model="gpt-4o-mini", messages=messages)


@pytest.mark.skipif(not hasattr(OpenAI, "responses"), reason="a client from before 1.66")
class TestResponses(_Endpoint, StreamContract):
    def call(self) -> Any:
        return self.client.responses.create(model="gpt-4o-mini", input="Hi")

    def stream(self) -> Any:
        return self.client.responses.create(model="gpt-4o-mini", input="Hi", stream=True)


@pytest.mark.skipif(not hasattr(OpenAI, "responses"), reason="a client from before 1.66")
class TestResponsesParse(_Endpoint, CallContract):
    def call(self) -> Any:
        return self.client.responses.parse(model="gpt-4o-mini", input="Hi")


class TestEmbeddings(_Endpoint, CallContract):
    def call(self) -> Any:
        return self.client.embeddings.create(model="text-embedding-3-small", input="Hi", encoding_format="float")

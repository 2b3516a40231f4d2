"""The toolkit's contract, kept by every endpoint."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, ClassVar

import pytest
from openai.resources.chat.completions import Completions

from langfuse_otel.instrumentation.contract import CallContract, StreamContract
from langfuse_otel_openai import OpenAIInstrumentor


class _Endpoint(CallContract):
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
class TestChatCompletionsParse(_Endpoint):
    def call(self) -> Any:
        messages = [{"role": "user", "content": "Hi"}]
        return self.client.chat.completions.parse(model="gpt-4o-mini", messages=messages)


@pytest.mark.skipif(find_spec("openai.resources.responses") is None, reason="a client from before 1.66")
class TestResponses(_Endpoint, StreamContract):
    def call(self) -> Any:
        return self.client.responses.create(model="gpt-4o-mini", input="Hi")

    def stream(self) -> Any:
        return self.client.responses.create(model="gpt-4o-mini", input="Hi", stream=True)


@pytest.mark.skipif(find_spec("openai.resources.responses") is None, reason="a client from before 1.66")
class TestResponsesParse(_Endpoint):
    def call(self) -> Any:
        return self.client.responses.parse(model="gpt-4o-mini", input="Hi")


class TestCompletions(_Endpoint, StreamContract):
    def call(self) -> Any:
        return self.client.completions.create(model="davinci", prompt="Hello")

    def stream(self) -> Any:
        return self.client.completions.create(model="davinci", prompt="Hello", stream=True)


class TestEmbeddings(_Endpoint):
    def call(self) -> Any:
        return self.client.embeddings.create(model="text-embedding-3-small", input="Hi", encoding_format="float")

"""The toolkit's contract, kept by every endpoint."""

from __future__ import annotations

import inspect
from importlib.util import find_spec
from typing import Any, ClassVar

import pytest
from openai import AzureOpenAI
from openai.resources.chat.completions import Completions

from langfuse_otel.instrumentation.contract import TransparentCallContract, TransparentStreamContract
from langfuse_otel_openai import OpenAIInstrumentor
from support.on_loopback import CallOnLoopback


class _Endpoint(CallOnLoopback, TransparentCallContract):
    instrumentor = OpenAIInstrumentor


class TestChatCompletions(_Endpoint, TransparentStreamContract):
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
class TestResponses(_Endpoint, TransparentStreamContract):
    def call(self) -> Any:
        return self.client.responses.create(model="gpt-4o-mini", input="Hi")

    def stream(self) -> Any:
        return self.client.responses.create(model="gpt-4o-mini", input="Hi", stream=True)


@pytest.mark.skipif(find_spec("openai.resources.responses") is None, reason="a client from before 1.66")
class TestResponsesParse(_Endpoint):
    def call(self) -> Any:
        return self.client.responses.parse(model="gpt-4o-mini", input="Hi")


class TestCompletions(_Endpoint, TransparentStreamContract):
    def call(self) -> Any:
        return self.client.completions.create(model="davinci", prompt="Hello")

    def stream(self) -> Any:
        return self.client.completions.create(model="davinci", prompt="Hello", stream=True)


class TestEmbeddings(_Endpoint):
    def call(self) -> Any:
        return self.client.embeddings.create(model="text-embedding-3-small", input="Hi", encoding_format="float")


def skip_unless_streaming(method: Any) -> None:
    if "stream" not in inspect.signature(method).parameters:
        pytest.skip("this version of the client does not stream here")


class TestImages(_Endpoint, TransparentStreamContract):
    def call(self) -> Any:
        return self.client.images.generate(model="gpt-image-1", prompt="A pier")

    def stream(self) -> Any:
        skip_unless_streaming(self.client.images.generate)
        return self.client.images.generate(model="gpt-image-1", prompt="A pier", stream=True)


class TestTranscriptions(_Endpoint, TransparentStreamContract):
    def call(self) -> Any:
        return self.client.audio.transcriptions.create(model="gpt-4o-transcribe", file=b"RIFF")

    def stream(self) -> Any:
        skip_unless_streaming(self.client.audio.transcriptions.create)
        return self.client.audio.transcriptions.create(model="gpt-4o-transcribe", file=b"RIFF", stream=True)


class TestSpeech(_Endpoint):
    def call(self) -> Any:
        return self.client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hi")

    def told(self, result: Any) -> Any:
        return result.content


class TestModerations(_Endpoint):
    def call(self) -> Any:
        return self.client.moderations.create(model="omni-moderation-latest", input="Hi")


class TestAzure(TestChatCompletions):
    @pytest.fixture(autouse=True)
    def _azure(self, _loopback: None) -> None:
        self.client = AzureOpenAI(azure_endpoint=self.server.url, api_key="k", api_version="2024-06-01", max_retries=0)

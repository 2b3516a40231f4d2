"""The toolkit's contract, kept by every operation."""

from __future__ import annotations

import json
from typing import Any

from langfuse_otel.instrumentation.contract import TransparentCallContract, TransparentStreamContract
from langfuse_otel_bedrock import BedrockInstrumentor
from support.on_loopback import CallOnLoopback

MESSAGES = [{"role": "user", "content": [{"text": "Hi"}]}]
MODEL = "meta.llama3-1-8b-instruct-v1:0"


class _Operation(CallOnLoopback, TransparentCallContract):
    instrumentor = BedrockInstrumentor

    def fail(self) -> Any:
        self.server.errors = [(404, "ResourceNotFoundException")]
        return self.call()

    def sent(self) -> list[Any]:
        return list(self.server.requests)

    def told(self, result: Any) -> Any:
        """Without the time of the answer, and the body, which was read."""
        return {name: value for name, value in result.items() if name not in ("ResponseMetadata", "body")}


class _Stream(TransparentStreamContract):
    """botocore's event streams are no context managers: leaving one early is closing it."""

    test_leaving_a_with_block_early_ends_the_span_without_error = None  # type: ignore[assignment]


class TestConverse(_Operation):
    def call(self) -> Any:
        return self.client.converse(modelId="amazon.nova-lite-v1:0", messages=MESSAGES)


class TestConverseStream(_Operation, _Stream):
    def call(self) -> Any:
        return self.client.converse(modelId="amazon.nova-lite-v1:0", messages=MESSAGES)

    def stream(self) -> Any:
        return self.client.converse_stream(modelId="amazon.nova-lite-v1:0", messages=MESSAGES)["stream"]


class TestInvokeModel(_Operation, _Stream):
    def call(self) -> Any:
        answer = self.client.invoke_model(modelId=MODEL, body=json.dumps({"prompt": "Hi"}))
        answer["body"].read()
        return answer

    def stream(self) -> Any:
        body = json.dumps({"prompt": "Hi"})
        return self.client.invoke_model_with_response_stream(modelId=MODEL, body=body)["body"]

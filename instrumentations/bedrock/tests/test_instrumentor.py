"""Putting the instrumentation on and off, and beside others."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.client import BaseClient
from opentelemetry.instrumentation.dependencies import DependencyConflictError
from wrapt import wrap_function_wrapper

from langfuse_otel.instrumentation.contract import Recording
from langfuse_otel.provenance import PromptRef, remember
from langfuse_otel_bedrock import BedrockInstrumentor

HELLO: dict[str, Any] = {
    "modelId": "amazon.nova-lite-v1:0",
    "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
}


def test_uninstrumenting_leaves_no_trace(client: Any) -> None:
    before = vars(BaseClient)["_make_api_call"]
    for _ in range(3):
        with Recording().of(BedrockInstrumentor()) as recording:
            assert vars(BaseClient)["_make_api_call"] is not before
        assert vars(BaseClient)["_make_api_call"] is before
    client.converse(**HELLO)
    assert recording.spans == ()


def test_a_client_that_is_too_old_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BedrockInstrumentor, "supported", ("boto3 >= 1000",))
    with pytest.raises(DependencyConflictError):
        BedrockInstrumentor().instrument(skip_dep_check=True)
    assert not BedrockInstrumentor().is_instrumented_by_opentelemetry


def _foreign(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


_foreign.__module__ = "opentelemetry.instrumentation.botocore"


@pytest.mark.parametrize("first", ["foreign", "ours"])
def test_it_steps_aside_for_a_foreign_wrapper(client: Any, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    monkeypatch.setattr(BaseClient, "_make_api_call", BaseClient._make_api_call)
    if first == "foreign":
        wrap_function_wrapper(BaseClient, "_make_api_call", _foreign)
    with Recording().of(BedrockInstrumentor()) as recording:
        if first == "ours":
            wrap_function_wrapper(BaseClient, "_make_api_call", _foreign)
        client.converse(**HELLO)
    assert recording.spans == ()


def test_a_compiled_prompt_is_found_again_in_the_instructions(recording: Any, client: Any) -> None:
    remember("You are a helpful otter of the rock bed", PromptRef("otter", 3))
    client.converse(**HELLO, system=[{"text": "You are a helpful otter of the rock bed"}])
    assert recording.attributes["gen_ai.prompt.name"] == "otter"

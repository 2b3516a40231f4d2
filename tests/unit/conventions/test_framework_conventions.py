"""What holds for the conventions of all frameworks together: they never raise, and they lose nothing."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langfuse_otel import log
from langfuse_otel.conventions import (
    agent_totals,
    gen_ai,
    genkit,
    google_adk,
    langfuse,
    langsmith,
    litellm,
    livekit,
    logfire,
    mlflow,
    otel,
    pydantic_ai,
    self_traced,
    vercel,
)
from langfuse_otel.conventions.registry import Registry
from langfuse_otel.observation import Observation

FRAMEWORKS = (
    *(agent_totals, vercel, google_adk, livekit, langsmith, self_traced),  # before the GenAI conventions
    *(pydantic_ai, logfire, genkit, mlflow, litellm),  # after them
)
REGISTRY = Registry(
    (
        langfuse.CONVENTION,
        *(module.CONVENTION for module in FRAMEWORKS[:6]),
        gen_ai.CONVENTION,
        *(module.CONVENTION for module in FRAMEWORKS[6:]),
        otel.CONVENTION,
    )
)
KEYS = sorted(
    {key for module in FRAMEWORKS for key in (*module.CONVENTION.fields, *module.CONVENTION.parts)}
    | {prefix + name for module in FRAMEWORKS for prefix in module.CONVENTION.families for name in ("x", "tokens")}
    | {"lk.chat_ctx", "lk.response.text", "lk.response.function_calls", "lk.pii.user_input", "lk.response.ttft"}
    | {"ai.usage.inputTokens", "anthropic.usage.cache_creation.ephemeral_5m_input_tokens"}
)
BESIDE = ["gen_ai.usage.input_tokens", "gen_ai.input.messages", "gen_ai.system_instructions", "gen_ai.operation.name"]
SCOPES = ("ai", "pydantic-ai", "logfire.openai", "logfire.anthropic", "livekit-agents", "mistralai_sdk_tracer", "app")
FIELDS = [name for name in Observation.__struct_fields__ if name not in ("resource", "scope")]
KINDS = {
    "genkit:metadata:subtype": "model",
    "ai.operationId": "ai.generateText.doGenerate",
    "logfire.span_type": "pending_span",
}


def shapes(leaf: Any) -> list[Any]:
    """The leaf in the shapes in which the frameworks nest their content."""
    call = {"type": "tool-call", "toolCallId": leaf, "toolName": leaf, "input": {"a": leaf}}
    said = [
        {"role": "model", "content": [{"text": leaf}, call, leaf], "parts": [{"text": leaf}, {"function_call": call}]},
        {"type": "function_call", "name": leaf, "arguments": leaf, "call_id": leaf, "id": leaf},
        {"event.name": "gen_ai.choice", "message": {"role": "assistant", "content": leaf}},
    ]
    return [
        leaf,
        [leaf],
        {"messages": said, "config": leaf, "tools": [{"name": leaf}], "model": leaf},
        {"contents": said, "config": {"tools": leaf, "system_instruction": leaf}},
        {"message": said[0], "usage": {"inputTokens": leaf, "prompt_tokens": leaf}, "request": leaf},
        {"content": said[0], "usage_metadata": {"prompt_token_count": leaf}},
        {"items": said, "function_tools": said, "output_tools": leaf},
        {"name": leaf, "version": leaf, "openai": {"usage": leaf}},
        {"system": leaf, "prompt": said},
        said,
    ]


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
ANY = st.recursive(JSON, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
VALUES = (
    ANY.flatmap(lambda leaf: st.sampled_from([json.dumps(shape) for shape in shapes(leaf)]))
    | st.text(max_size=5)
    | st.integers()
    | st.floats()
    | st.lists(st.text(max_size=3), max_size=3)
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(KEYS + BESIDE), VALUES, max_size=12), st.sampled_from(SCOPES))
def test_nothing_that_a_framework_may_write_raises(attributes: dict[str, Any], scope: str) -> None:
    complaints: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "limited", lambda level, key, message, *args: complaints.append(message % args))
        REGISTRY.read(
            ReadableSpan("x", attributes={**KINDS, **attributes}, instrumentation_scope=InstrumentationScope(scope))
        )

    assert complaints == []


def lost(key: str, value: Any, scope: str) -> list[str]:
    """The texts of a value that are nowhere in the observation of a span that has it under ``key``."""
    numbers = itertools.count(1)
    text = value if isinstance(value, str) else json.dumps(value)
    text = re.sub("needle", lambda match: f"needle-{next(numbers)}-", text)
    observation = REGISTRY.read(
        ReadableSpan("x", attributes={**KINDS, key: text}, instrumentation_scope=InstrumentationScope(scope))
    )
    shown = msgspec.to_builtins({name: getattr(observation, name) for name in FIELDS})
    return [f"{key}: {needle}" for needle in re.findall(r"needle-\d+-", text) if needle not in json.dumps(shown)]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("shape", range(len(shapes(""))))
def test_every_text_is_somewhere_in_the_observation(shape: int, scope: str) -> None:
    value = shapes("needle")[shape]

    assert [loss for key in KEYS for loss in lost(key, value, scope)] == []

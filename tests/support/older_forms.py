"""One conversation in every form that the GenAI conventions have had: attributes, or events of a span."""

from __future__ import annotations

import json

NOW = {
    "gen_ai.system_instructions": '[{"type": "text", "content": "Be brief."}]',
    "gen_ai.input.messages": json.dumps(
        [
            {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
            {
                "role": "assistant",
                "parts": [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Rome"}}],
            },
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "sunny"}]},
        ]
    ),
    "gen_ai.output.messages": json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": "Sun."}], "finish_reason": "stop"}]
    ),
}
"""The conversation that is told in every old form below."""

CALLS = [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}]

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "content": None, "tool_calls": CALLS},
    {"role": "tool", "content": "sunny", "tool_call_id": "c1"},
]

INDEXED = {
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "Be brief.",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": "Weather?",
    "gen_ai.prompt.2.role": "assistant",
    "gen_ai.prompt.2.tool_calls.0.id": "c1",
    "gen_ai.prompt.2.tool_calls.0.name": "weather",
    "gen_ai.prompt.2.tool_calls.0.arguments": '{"city": "Rome"}',
    "gen_ai.prompt.3.role": "tool",
    "gen_ai.prompt.3.content": "sunny",
    "gen_ai.prompt.3.tool_call_id": "c1",
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "Sun.",
    "gen_ai.completion.0.finish_reason": "stop",
}

IN_ONE_TEXT = {
    "gen_ai.prompt": json.dumps(CHAT),
    "gen_ai.completion": json.dumps([{"role": "assistant", "content": "Sun.", "finish_reason": "stop"}]),
}

EVENTS = (
    ("gen_ai.system.message", {"gen_ai.system": "openai", "content": "Be brief."}),
    ("gen_ai.user.message", {"gen_ai.system": "openai", "content": "Weather?", "role": "user"}),
    ("gen_ai.assistant.message", {"gen_ai.system": "openai", "tool_calls": json.dumps(CALLS)}),
    ("gen_ai.tool.message", {"gen_ai.system": "openai", "content": "sunny", "id": "c1"}),
    ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": '{"content": "Sun."}'}),
)

AZURE_EVENTS = (
    ("gen_ai.system.message", {"gen_ai.event.content": '{"role": "system", "content": "Be brief."}'}),
    ("gen_ai.user.message", {"gen_ai.event.content": '{"role": "user", "content": "Weather?"}'}),
    ("gen_ai.assistant.message", {"gen_ai.event.content": json.dumps({"role": "assistant", "tool_calls": CALLS})}),
    ("gen_ai.tool.message", {"gen_ai.event.content": '{"content": "sunny", "id": "c1"}'}),
    (
        "gen_ai.choice",
        {"gen_ai.event.content": '{"message": {"content": "Sun."}, "finish_reason": "stop", "index": 0}'},
    ),
)

STRANDS_EVENTS = (
    ("gen_ai.system.message", {"content": '[{"text": "Be brief."}]'}),
    ("gen_ai.user.message", {"content": '[{"text": "Weather?"}]'}),
    (
        "gen_ai.assistant.message",
        {"content": '[{"toolUse": {"toolUseId": "c1", "name": "weather", "input": {"city": "Rome"}}}]'},
    ),
    (
        "gen_ai.tool.message",
        {"content": '[{"toolResult": {"toolUseId": "c1", "content": [{"text": "sunny"}]}}]'},
    ),
    ("gen_ai.choice", {"finish_reason": "stop", "message": '[{"text": "Sun."}]'}),
)

CONTENT_EVENTS = (
    ("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps(CHAT)}),
    ("gen_ai.content.completion", {"gen_ai.completion": IN_ONE_TEXT["gen_ai.completion"]}),
)

DETAILS_EVENT = (("gen_ai.client.inference.operation.details", NOW),)

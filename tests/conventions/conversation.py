"""The recorded conversation: system, user with an image, a tool call, its result, a streamed answer, an error."""

from __future__ import annotations

import json
import os
from typing import Any

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
SYSTEM = "Answer briefly."
QUESTION = "How warm is it in this town?"
RESULT = '{"celsius": 18}'
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a town",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def get_weather(city: str) -> str:
    """The weather of a town."""
    return RESULT


def converse(client: Any) -> None:
    """Hold it through an ``openai.OpenAI``, or something that behaves like one."""
    messages: list[Any] = [
        {"role": "system", "content": SYSTEM},
        {
            "role": "user",
            "content": [{"type": "text", "text": QUESTION}, {"type": "image_url", "image_url": {"url": PIXEL}}],
        },
    ]
    asked = {"model": "gpt-4o-mini", "tools": [TOOL], "temperature": 0.2, "max_tokens": 64}
    call = client.chat.completions.create(messages=messages, **asked).choices[0].message.tool_calls[0]
    messages += [
        {
            "role": "assistant",
            "tool_calls": [{"id": call.id, "type": "function", "function": dict(call.function)}],
        },
        {"role": "tool", "tool_call_id": call.id, "content": get_weather(**json.loads(call.function.arguments))},
    ]
    stream = client.chat.completions.create(
        messages=messages, stream=True, stream_options={"include_usage": True}, **asked
    )
    for _ in stream:
        pass
    try:
        client.chat.completions.create(model="no-such-model", messages=[{"role": "user", "content": "Hello?"}])
    except Exception as error:
        if "no-such-model" not in str(error):
            raise
    client.embeddings.create(model="text-embedding-3-small", input="A town.")


def openai_client() -> Any:
    """The real client, at the endpoint that the recording started."""
    import openai

    return openai.OpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key="recorded", max_retries=0)

"""An application that knows nothing of tracing: one chat, one stream, one tool, one error."""

from __future__ import annotations

from contextlib import suppress

import openai

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "order_status",
            "description": "Where an order is",
            "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}},
        },
    }
]


def main() -> None:
    """Call the model in the ways that an application does."""
    client = openai.OpenAI(max_retries=0)
    messages = [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": "What is a span?"}]
    client.chat.completions.create(model="gpt-4o-mini", messages=messages, temperature=0.5)  # type: ignore[arg-type]
    stream = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=messages,  # type: ignore[arg-type]
        stream=True,
        stream_options={"include_usage": True},
    )
    for _ in stream:
        pass
    question = [{"role": "user", "content": "Where is order A-1001?"}]
    client.chat.completions.create(model="gpt-4o-mini", messages=question, tools=TOOLS)  # type: ignore[arg-type]
    with suppress(openai.NotFoundError):
        client.chat.completions.create(model="no-such-model", messages=question)  # type: ignore[arg-type]
    client.embeddings.create(model="text-embedding-3-small", input="A span is one operation.")


if __name__ == "__main__":
    main()

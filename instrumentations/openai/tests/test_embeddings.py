"""Embeddings."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from openai import AsyncOpenAI, OpenAI


def test_a_call_tells_model_usage_and_dimensions_but_no_vector(recording: Any, client: OpenAI) -> None:
    client.embeddings.create(model="text-embedding-3-small", input=["Hi", "Ho"], encoding_format="float")
    assert recording.span.name == "embeddings text-embedding-3-small"
    expected = {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.request.encoding_formats": ("float",),
        "gen_ai.embeddings.dimension.count": 3,
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.response.model": "text-embedding-3-small",
    }
    assert {name: recording.attributes.get(name) for name in expected} == expected
    assert json.loads(recording.attributes["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Hi"}, {"type": "text", "content": "Ho"}]}
    ]
    assert "gen_ai.output.messages" not in recording.attributes


def test_token_lists_are_not_shown(recording: Any, client: OpenAI) -> None:
    client.embeddings.create(model="text-embedding-3-small", input=[1, 2, 3], encoding_format="float")
    assert "gen_ai.input.messages" not in recording.attributes


def test_async(recording: Any, async_client: AsyncOpenAI) -> None:
    asyncio.run(async_client.embeddings.create(model="text-embedding-3-small", input="Hi", encoding_format="float"))
    assert recording.attributes["gen_ai.usage.input_tokens"] == 5

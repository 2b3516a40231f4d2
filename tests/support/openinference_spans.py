"""Spans as OpenInference writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langfuse_otel.conventions import gen_ai, openinference
from support.reading import reading

read = reading(gen_ai.CONVENTION, openinference.CONVENTION, scope="tests")

HI = {"role": "user", "content": "hi"}
HELLO = {"role": "assistant", "content": "hello"}


def flat(prefix: str, *items: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a list."""
    return {f"{prefix}.{index}.{key}": value for index, item in enumerate(items) for key, value in item.items()}


def inputs(*messages: Mapping[str, Any]) -> dict[str, Any]:
    return flat("llm.input_messages", *[{f"message.{key}": value for key, value in item.items()} for item in messages])


def outputs(*messages: Mapping[str, Any]) -> dict[str, Any]:
    return flat("llm.output_messages", *[{f"message.{key}": value for key, value in item.items()} for item in messages])

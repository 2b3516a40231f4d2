"""The same conversation through every instrumentation of the same client comes out as the same observations.

What remains different, and why, is in ``DIFFERENCES``; ``docs/conventions.md`` shows that table.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from expectation import observed, recordings

OURS = "openai-ours"
OTHERS = [name for name in recordings() if name.startswith("openai-") and name != OURS]
STEPS = ("tool call", "answer", "error", "embedding")
FIELDS = ("type", "model", "model_parameters", "usage", "input", "output", "level", "completion")

_TEXT_LOST = "drops the message's text when an image stands beside it"
_NO_MESSAGES = "writes no messages at all when one has an image"
_NO_REASONING = "does not count reasoning tokens"
_NO_FINISH = "does not say beside the message why it ended"
_CHAT_FORM = "writes the message as the client has it, which is the chat format without a finish reason"
_REQUEST = "writes the request as the client sends it, where tools and images have other keys"
_NO_FIRST_TOKEN = "does not say when the first token came"
_ENCODING = "has `encoding_format`, which the client adds"
_AS_GIVEN = "writes Langfuse's own attributes, which are passed on as they are; the image is uploaded already"
_ALL_PARAMETERS = "writes every parameter's default as if it had been asked for"
_SINGULAR = "follows the convention's list of finish reasons, which has `tool_call`"
_NO_STREAM = "does not say that the answer was streamed"
_NO_EMBEDDED_TEXT = "does not record the text that is embedded"
_VECTORS = "records the vectors"

# (corpus, step, field): why it differs
DIFFERENCES: dict[tuple[str, str, str], str] = {
    ("openai-langfuse", "tool call", "input"): _AS_GIVEN,
    ("openai-langfuse", "tool call", "output"): _CHAT_FORM,
    ("openai-langfuse", "tool call", "model_parameters"): _ALL_PARAMETERS,
    ("openai-langfuse", "answer", "input"): _AS_GIVEN,
    ("openai-langfuse", "answer", "output"): "writes the text alone",
    ("openai-langfuse", "answer", "model_parameters"): _ALL_PARAMETERS,
    ("openai-langfuse", "error", "model_parameters"): _ALL_PARAMETERS,
    ("openai-langfuse", "embedding", "input"): "writes the text alone",
    ("openai-langfuse", "embedding", "output"): "writes number and length of the vectors",
    ("openai-logfire", "tool call", "input"): _REQUEST,
    ("openai-logfire", "tool call", "output"): _CHAT_FORM,
    ("openai-logfire", "answer", "input"): _REQUEST,
    ("openai-logfire", "answer", "output"): _CHAT_FORM,
    ("openai-logfire", "answer", "model"): "knows only the model that was asked for, when it streams",
    ("openai-logfire", "answer", "model_parameters"): _NO_STREAM,
    ("openai-logfire", "answer", "completion"): _NO_FIRST_TOKEN,
    ("openai-logfire", "embedding", "input"): "writes the text alone",
    ("openai-logfire", "embedding", "model_parameters"): _ENCODING,
    ("openai-official", "tool call", "output"): _SINGULAR,
    ("openai-official", "embedding", "input"): _NO_EMBEDDED_TEXT,
    ("openai-official-v2", "tool call", "input"): _TEXT_LOST,
    ("openai-official-v2", "answer", "input"): _TEXT_LOST,
    ("openai-official-v2", "answer", "usage"): "counts neither cached nor reasoning tokens",
    ("openai-official-v2", "answer", "completion"): _NO_FIRST_TOKEN,
    ("openai-official-v2", "answer", "model_parameters"): _NO_STREAM,
    ("openai-official-v2", "embedding", "input"): _NO_EMBEDDED_TEXT,
    ("openai-openinference", "tool call", "output"): _NO_FINISH,
    ("openai-openinference", "answer", "output"): _NO_FINISH,
    ("openai-openinference", "answer", "model_parameters"): "has `stream_options` as well",
    ("openai-openinference", "embedding", "output"): _VECTORS,
    ("openai-openinference", "embedding", "model_parameters"): _ENCODING,
    ("openai-openllmetry", "tool call", "input"): _NO_MESSAGES,
    ("openai-openllmetry", "tool call", "output"): _SINGULAR,
    ("openai-openllmetry", "answer", "input"): _NO_MESSAGES,
    ("openai-openllmetry", "answer", "usage"): _NO_REASONING,
    ("openai-openllmetry-0.40", "tool call", "input"): _TEXT_LOST,
    ("openai-openllmetry-0.40", "answer", "input"): _TEXT_LOST,
    ("openai-openllmetry-0.40", "answer", "usage"): "does not count the tokens of streamed answers",
}


def step_of(observation: dict[str, Any]) -> str | None:
    """Which step of the conversation an observation tells; None for what is beside it."""
    if observation["type"] == "embedding":
        return "embedding"
    if observation.get("level") == "ERROR":
        return "error"
    if observation["type"] == "generation" and observation.get("output"):
        return "answer" if "18 °C" in json.dumps(observation["output"], ensure_ascii=False) else "tool call"
    return None


def steps(name: str) -> dict[str, dict[str, Any]]:
    """The conversation as a corpus tells it, by step."""
    told = {step: _comparable(observation) for observation in observed(name) if (step := step_of(observation))}
    assert told.keys() == set(STEPS)
    return told


def _comparable(observation: dict[str, Any]) -> dict[str, Any]:
    """Texts of JSON as what they say, and not when the first token came but whether it is known."""
    fields = {field: observation.get(field) for field in FIELDS}
    fields["completion"] = "completion_start_ns" in observation
    for side in ("input", "output"):
        if isinstance(fields[side], str) and fields[side].startswith(("[", "{")):
            fields[side] = json.loads(fields[side])
    return fields


@pytest.mark.parametrize("name", OTHERS)
def test_every_field_is_the_same_but_for_the_listed_differences(name: str) -> None:
    ours, theirs = steps(OURS), steps(name)
    different = {(name, step, field) for step in STEPS for field in FIELDS if ours[step][field] != theirs[step][field]}
    listed = {key for key in DIFFERENCES if key[0] == name}
    assert different == listed

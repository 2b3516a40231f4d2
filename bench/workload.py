"""The span that every peer delivers: one chat call with about 20 attributes, 2 KB in and 1 KB out."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass

from opentelemetry.trace import Tracer

_random = random.Random(7)
_SYLLABLES = (
    "an",
    "be",
    "cor",
    "del",
    "es",
    "fi",
    "gra",
    "ho",
    "in",
    "ju",
    "ka",
    "lo",
    "mer",
    "no",
    "or",
    "pa",
    "ti",
    "ver",
)
_WORDS = ["".join(_random.choices(_SYLLABLES, k=_random.randint(1, 4))) for _ in range(3_000)]


def _text(size: int) -> str:
    text = ""
    while len(text) < size:
        text += _random.choice(_WORDS) + " "
    return text[:size]


@dataclass(frozen=True)
class Call:
    """The texts of one call, and its messages as the GenAI conventions have them."""

    system: str
    question: str
    answer: str
    input_json: str
    output_json: str


def _call() -> Call:
    system, question, answer = _text(900), _text(1_100), _text(1_000)
    parts = [{"role": "system", "parts": [{"type": "text", "content": system}]},
             {"role": "user", "parts": [{"type": "text", "content": question}]}]  # fmt: skip
    reply = [{"role": "assistant", "parts": [{"type": "text", "content": answer}], "finish_reason": "stop"}]
    return Call(system, question, answer, json.dumps(parts), json.dumps(reply))


CALLS = itertools.cycle([_call() for _ in range(256)])
"""Texts that differ from span to span, so that compression is not flattered."""

ATTRIBUTES = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o-mini",
    "gen_ai.request.temperature": 0.2,
    "gen_ai.request.max_tokens": 512,
    "gen_ai.request.top_p": 1.0,
    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    "gen_ai.response.id": "chatcmpl-123456789",
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.usage.input_tokens": 512,
    "gen_ai.usage.output_tokens": 256,
    "gen_ai.usage.cache_read.input_tokens": 128,
    "server.address": "api.openai.com",
    "server.port": 443,
    "user.id": "user-1",
    "session.id": "session-1",
    "langfuse.trace.tags": ("bench", "chat"),
    "langfuse.release": "v1.2.3",
}


def emit(tracer: Tracer) -> None:
    """One span through the OpenTelemetry API."""
    call = next(CALLS)
    with tracer.start_as_current_span("chat gpt-4o-mini", attributes=ATTRIBUTES) as span:
        span.set_attribute("gen_ai.input.messages", call.input_json)
        span.set_attribute("gen_ai.output.messages", call.output_json)

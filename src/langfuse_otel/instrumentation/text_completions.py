"""Plain completions: a text in, a text or a vector out, as the older interfaces of many makers and servers have it.

Their spellings differ and do not collide, so that one reader knows them all.
"""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.declare import Arguments, Attributes, Content
from langfuse_otel.instrumentation.fields import field, fields, items, known, text, texts, whole

# Llama, Mistral and Cohere; Titan; Cohere's chat; embeddings.
_ASKED = ("prompt", "inputText", "message", "texts")
_ROLES = {"CHATBOT": "assistant", "SYSTEM": "system", "TOOL": "tool"}
_RESULTS = ("results", "generations", "outputs")
# What an answer or a chunk says → how it is spelled.
_SPELLINGS = {
    "text": ("text", "generation", "outputText"),
    "finish_reason": ("finish_reason", "stop_reason", "completionReason"),
    "input_tokens": ("input_tokens", "prompt_token_count", "inputTextTokenCount"),
    "output_tokens": ("output_tokens", "generation_token_count", "totalOutputTextTokenCount", "tokenCount"),
    "tool_calls": ("tool_calls",),
}


def text_input(body: Arguments) -> Content:
    """What was said before, and what is asked now."""
    before = [
        (_ROLES.get(text(turn, "role") or "", "user"), text(turn, "message") or "")
        for turn in items(body, "chat_history")
    ]
    asked = [("user", given) for name in _ASKED for given in texts(body, name) or ()]
    preamble, image = text(body, "preamble"), text(body, "inputImage")
    return {
        names.SYSTEM_INSTRUCTIONS: [said.text(preamble)] if preamble else None,
        names.INPUT_MESSAGES: [
            *(said.message(role, [said.text(what)]) for role, what in (*before, *asked)),
            *([said.message("user", [said.blob("image", image)])] if image else ()),
        ],
    }


def text_response(answer: Any) -> Attributes:
    """How an answer ended, with its tokens; of vectors, their size."""
    told = _told(answer)
    reason = text(told, "finish_reason")
    attributes = {
        names.RESPONSE_FINISH_REASONS: [reason] if reason else None,
        names.USAGE_INPUT_TOKENS: whole(told, "input_tokens"),
        names.USAGE_OUTPUT_TOKENS: whole(told, "output_tokens"),
        names.EMBEDDINGS_DIMENSION_COUNT: _dimensions(answer),
    }
    return known(attributes)


def text_output(answer: Any) -> Content:
    """The text of an answer, and the tools that it wants called."""
    told = _told(answer)
    parts = [said.text(told["text"])] if text(told, "text") else []
    parts += [said.tool_call(None, text(call, "name"), field(call, "parameters")) for call in items(told, "tool_calls")]
    answered = said.message("assistant", parts, finish_reason=text(told, "finish_reason"))
    return {names.OUTPUT_MESSAGES: [answered] if parts else None}


class TextChunks:
    """Joins the chunks of one answer. Counts are totals so far."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._answer: dict[str, Any] = {}

    def add(self, chunk: Any) -> bool:
        """Take in a chunk; True when it carries text. Cohere's last repeats all that was said."""
        told = _told(chunk)
        piece = "" if chunk.get("is_finished") else text(told, "text")
        if piece:
            self._pieces.append(piece)
        self._answer.update(told)
        return bool(piece)

    def response(self) -> dict[str, Any]:
        """The answer so far."""
        return {**self._answer, "text": "".join(self._pieces)}


def _told(body: Any) -> dict[str, Any]:
    firsts = (fields(next(iter(items(body, name)), None)) for name in _RESULTS)
    said_in = {name: value for place in (body, *firsts) for name, value in known(place).items()}
    return known(
        {
            name: next((said_in[key] for key in spellings if key in said_in), None)
            for name, spellings in _SPELLINGS.items()
        }
    )


def _dimensions(answer: Any) -> int | None:
    vectors = answer.get("embeddings")
    by_type = next(iter(vectors.values()), ()) if isinstance(vectors, dict) else vectors
    return len(answer.get("embedding") or next(iter(by_type or ()), ())) or None

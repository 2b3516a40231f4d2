"""LiveKit Agents (langfuse-api.md, sections 3.5, 3.6 and 3.10): ``lk.*``, since 2026 also ``lk.pii.*`` for content.

It comes before the GenAI conventions, because its token counts by modality overlap and would be added up.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import StatusCode

from langfuse_otel.conventions import parts, usage, values
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.observation import ObservationType

_PREFIX, _PRIVATE = "lk.", "pii."
_SCOPE = "livekit-agents"
_GEN_AI_USAGE = "gen_ai.usage."
_MAX_WAIT_S = 7 * 86_400
_TYPES: dict[str, ObservationType] = {
    "agent_turn": "agent",
    "start_agent_activity": "agent",
    "function_tool": "tool",
    # These name the model as well, around the call (``llm_request``) and for each try of it, and would be billed too.
    "llm_node": "chain",
    "llm_request_run": "span",
}
_NOISE = frozenset(
    (
        *("user_speaking", "agent_speaking", "eou_detection", "llm_request_run", "tts_node", "tts_request_run"),
        *("tts_stream_adapter", "tts_fallback_adapter", "drain_agent_activity", "on_exit"),
    )
)
_INPUT_KEYS = ("input_text", "user_transcript", "user_input", "function_tool.arguments")
# Counted in ``input_tokens`` and ``output_tokens`` already; only audio has a price of its own.
_USAGE_NAMES = {"input_audio_tokens": "audio.input_tokens", "output_audio_tokens": "audio.output_tokens"}
_WITHOUT_PRICE = ("input_text_tokens", "output_text_tokens")


def _compose(reader: Reader) -> None:
    written = reader.family(_PREFIX)
    found = {name.removeprefix(_PRIVATE): value for name, value in written.items()}
    scope, name = reader.span.instrumentation_scope, str(reader.span.name)
    if scope is not None and scope.name == _SCOPE:
        reader.offer("type", _TYPES.get(name))
        if name in _NOISE and reader.span.status.status_code is not StatusCode.ERROR:
            reader.offer("level", "DEBUG")
        _usage(reader)
    used = [*_input(reader, found), *_output(reader, found), *_first_chunk(reader, found)]
    for name, value in written.items():
        bare = name.removeprefix(_PRIVATE)
        if bare not in used or found[bare] != value:  # both spellings, with different values
            reader.put_back((_PREFIX + name,))


def _input(reader: Reader, found: dict[str, Any]) -> list[str]:
    """What was said to the model or to the voice; the names of the attributes that this takes."""
    if not reader.wants("input") or "gen_ai.input.messages" in reader.attributes:
        return []
    for name in _INPUT_KEYS:
        content = values.content(found.get(name))
        if content is not None:
            reader.offer("input", content)
            return [name]
    content = values.content(found.get("chat_ctx"))
    if content is None:
        return []
    context = values.json_object(content) or {}
    items = context.pop("items", None)
    if isinstance(items, list) and items:
        content = parts.conversation([_message(item) if isinstance(item, dict) else item for item in items])
        if context:
            reader.metadata["lk.chat_ctx"] = context
    reader.offer("input", content)
    return ["chat_ctx"]


def _output(reader: Reader, found: dict[str, Any]) -> list[str]:
    if not reader.wants("output") or "gen_ai.output.messages" in reader.attributes:
        return []
    content = values.content(found.get("function_tool.output"))
    if content is not None:
        reader.offer("output", content)
        return ["function_tool.output"]
    said: list[dict[str, Any]] = []
    used: list[str] = []
    if text := values.text(found.get("response.text")):
        said.append({"type": "text", "content": text})
        used.append("response.text")
    calls = values.decoded(found.get("response.function_calls"))
    if isinstance(calls, list) and calls and all(isinstance(call, dict) for call in calls):
        said.extend(_call(call) for call in calls)
        used.append("response.function_calls")
    if said:
        reader.offer("output", parts.conversation([{"role": "assistant", "parts": said}])[0])
    return used


def _message(item: dict[str, Any]) -> dict[str, Any]:
    """An item of ``{items: [message, function_call, function_call_output, …]}`` as a message of GenAI parts."""
    kind = item.get("type")
    if kind == "function_call":
        return {"role": "assistant", "parts": [_call(item)]}
    if kind == "function_call_output":
        rest = {name: value for name, value in item.items() if name not in ("type", "call_id", "output")}
        answer = {"type": "tool_call_response", "id": item.get("call_id"), "response": item.get("output")}
        return {"role": "tool", "parts": [{**rest, **answer}]}
    content = item.get("content")
    if not isinstance(content, list) or "parts" in item:
        return item
    rest = {name: value for name, value in item.items() if name not in ("type", "content")}
    said = [{"type": "text", "content": part} if isinstance(part, str) else part for part in content]
    return {**rest, "parts": said}


def _call(item: dict[str, Any]) -> dict[str, Any]:
    """``call_id`` is what the answer refers to; ``id`` is that of the item in the context."""
    rest = {name: value for name, value in item.items() if name not in ("type", "call_id", "id")}
    if "call_id" in item and "id" in item:
        rest["item_id"] = item["id"]
    return {**rest, "type": "tool_call", "id": item.get("call_id", item.get("id"))}


def _first_chunk(reader: Reader, found: dict[str, Any]) -> list[str]:
    """Seconds until the model's first token."""
    wait_s = values.number(found.get("response.ttft"))
    if wait_s is None or wait_s > _MAX_WAIT_S or not reader.wants("completion_start_ns"):
        return []
    reader.offer("completion_start_ns", reader.start_ns + round(wait_s * 1e9))
    return ["response.ttft"]


def _usage(reader: Reader) -> None:
    if not reader.wants("usage"):
        return
    standard = reader.family(_GEN_AI_USAGE)
    reader.put_back(_GEN_AI_USAGE + name for name in _WITHOUT_PRICE if standard.pop(name, None) is not None)
    counts: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for name, value in standard.items():
        known = _USAGE_NAMES.get(name, name)
        if counts.setdefault(known, value) == value:
            spelled.setdefault(known, name)
        else:
            reader.put_back((_GEN_AI_USAGE + name,))
    counted, unused = usage.from_gen_ai(counts)
    reader.offer("usage", counted or None)
    reader.put_back(_GEN_AI_USAGE + spelled[known] for known in unused if known in spelled)


CONVENTION = Convention(
    name="livekit",
    families=(_PREFIX,),
    compose=_compose,
    composes={
        "type": ("span name",),
        "level": ("span name (audio and speech: DEBUG)",),
        "usage": (f"{_GEN_AI_USAGE}*",),
        "input": (
            *(f"{_PREFIX}{name}" for name in _INPUT_KEYS),
            f"{_PREFIX}chat_ctx",
            f"{_PREFIX}{_PRIVATE}* (the same)",
        ),
        "output": (
            f"{_PREFIX}function_tool.output",
            f"{_PREFIX}response.text",
            f"{_PREFIX}response.function_calls",
            f"{_PREFIX}{_PRIVATE}* (the same)",
        ),
        "completion_start_ns": (f"{_PREFIX}response.ttft",),
        "metadata": (f"{_PREFIX}chat_ctx (the rest)",),
    },
)

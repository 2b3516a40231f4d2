"""The GenAI semantic conventions since v1.37 (genai-semconv.md, sections 1 to 3 and 8): messages, usage, parameters.

What has no field in Langfuse (finish reasons, response id, agent name, server address …) stays metadata by its own key.
"""

from __future__ import annotations

from typing import Any

from langfuse_otel.conventions import messages, prompt, usage, values
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import ObservationType

# The server knows the first two lines of this table only; it files a retrieval with a model as a generation.
_TYPES: dict[str, ObservationType] = {
    **dict.fromkeys(("chat", "completion", "text_completion", "generate_content", "generate"), "generation"),
    **dict.fromkeys(("invoke_agent", "create_agent"), "agent"),
    "embeddings": "embedding",
    "execute_tool": "tool",
    "retrieval": "retriever",
    **dict.fromkeys(("plan", "invoke_workflow", "handle_conversation_turn"), "chain"),
    **dict.fromkeys(("create_memory_store", "delete_memory_store", "create_memory", "update_memory"), "span"),
    **dict.fromkeys(("upsert_memory", "search_memory", "delete_memory"), "span"),
    "fetch_response": "span",  # the tokens were reported when the response was made
}
_PROVIDER_KEYS = ("gen_ai.provider.name", "gen_ai.system")
_MESSAGES, _OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"
_SYSTEM = "gen_ai.system_instructions"
_TOOL_DEFINITIONS = "gen_ai.tool.definitions"
_INPUTS = frozenset((_MESSAGES, _SYSTEM, _TOOL_DEFINITIONS))
_PROMPT = ("gen_ai.prompt.name", "gen_ai.prompt.version")
_FIRST_CHUNK_KEYS = (
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.response.time_to_first_token",
    "gen_ai.server.time_to_first_token",
)
_MAX_WAIT_S = 7 * 86_400
_USAGE = "gen_ai.usage."
_PARAMETERS = ("gen_ai.request.", "gen_ai.openai.request.")


def _type_of_operation(value: object) -> ObservationType | None:
    return _TYPES.get(value) if isinstance(value, str) else None


def _type_of_tool(value: object) -> ObservationType | None:
    return "tool" if value else None


def _compose(reader: Reader) -> None:
    if reader.mine:
        _provider(reader)
        _output(reader)
        _input(reader)
        _first_chunk(reader)
        if _PROMPT[0] in reader.mine:
            prompt.offer(reader, *_PROMPT)
    _usage(reader)
    _parameters(reader)


def _provider(reader: Reader) -> None:
    for key in _PROVIDER_KEYS:
        provider = values.text(reader.mine.get(key))
        if provider and reader.metadata.setdefault("provider", provider) == provider:
            del reader.mine[key]


def _output(reader: Reader) -> None:
    raw = reader.mine.get(_OUTPUT)
    if raw and reader.wants("output"):
        found = messages.conversation(raw)
        output = values.content(raw) if found is None else (found[0] if len(found) == 1 else found)
        if output:
            del reader.mine[_OUTPUT]
            reader.offer("output", output)


def _input(reader: Reader) -> None:
    """The messages with the system instructions in front, and with tool definitions as ``{messages, tools}``.

    Messages that are no JSON list (cut off by an attribute limit, say) are the input as they are. Tool definitions
    without messages stay metadata: another convention may know the messages.
    """
    parts = reader.mine
    if _INPUTS.isdisjoint(parts) or not reader.wants("input"):
        return
    conversation = messages.conversation(parts.get(_MESSAGES))
    if conversation is None and (plain := values.content(parts.get(_MESSAGES))) is not None:
        del parts[_MESSAGES]
        reader.offer("input", plain)
        return
    conversation = conversation or []
    system = messages.system_message(parts[_SYSTEM]) if _SYSTEM in parts else None
    if system is not None:
        del parts[_SYSTEM]
        if system not in conversation:
            conversation.insert(0, system)
    if not conversation:
        return
    parts.pop(_MESSAGES, None)
    tools = values.decoded(parts[_TOOL_DEFINITIONS]) if _TOOL_DEFINITIONS in parts else None
    if tools:
        del parts[_TOOL_DEFINITIONS]
    reader.offer("input", {"messages": conversation, "tools": tools} if tools else conversation)


def _usage(reader: Reader) -> None:
    if _USAGE in reader.parts and reader.wants("usage"):
        found = reader.family(_USAGE)
        counted, unused = usage.from_gen_ai(found)
        reader.offer("usage", counted or None)
        reader.put_back(_USAGE + name for name in unused)


def _parameters(reader: Reader) -> None:
    """Everything that was asked for but the model, as the server does."""
    if reader.wants("model_parameters"):
        parameters: dict[str, Any] = {}
        for prefix in _PARAMETERS:
            if prefix in reader.parts:
                for name, value in reader.family(prefix).items():
                    safe = json_safe(value)
                    if parameters.setdefault(name, safe) != safe:
                        reader.put_back((prefix + name,))
        reader.offer("model_parameters", parameters or None)


def _first_chunk(reader: Reader) -> None:
    """The moment of the first chunk: the conventions give seconds since the start, and Langfuse reads moments only."""
    for key in _FIRST_CHUNK_KEYS:
        if key in reader.mine and reader.wants("completion_start_ns"):
            seconds = values.number(reader.mine[key])
            if seconds is not None and seconds <= _MAX_WAIT_S:
                del reader.mine[key]
                reader.offer("completion_start_ns", reader.start_ns + round(seconds * 1e9))


CONVENTION = Convention(
    name="gen_ai",
    fields={
        "gen_ai.operation.name": Field("type", _type_of_operation, kept=True),
        "gen_ai.tool.name": Field("type", _type_of_tool, kept=True),
        "gen_ai.tool.call.id": Field("type", _type_of_tool, kept=True),
        "gen_ai.response.model": Field("model", values.text),
        "gen_ai.request.model": Field("model", values.text),
        "gen_ai.conversation.id": Field("session_id", values.identifier),
        "gen_ai.usage.cost": Field("cost", usage.total_cost),
        "gen_ai.usage.total_cost": Field("cost", usage.total_cost),
        "gen_ai.tool.call.arguments": Field("input", values.content),
        "gen_ai.retrieval.query.text": Field("input", values.content),
        "gen_ai.memory.query.text": Field("input", values.content),
        "gen_ai.tool.call.result": Field("output", values.content),
        "gen_ai.retrieval.documents": Field("output", values.content),
        "gen_ai.memory.records": Field("output", values.content),
    },
    parts=frozenset(
        (
            *_PROVIDER_KEYS,
            *_INPUTS,
            _OUTPUT,
            *_FIRST_CHUNK_KEYS,
            *_PROMPT,
        )
    ),
    families=(_USAGE, *_PARAMETERS),
    compose=_compose,
    composes={
        "input": (_SYSTEM, _MESSAGES, f"{_TOOL_DEFINITIONS} (beside the messages)"),
        "output": (_OUTPUT,),
        "model_parameters": tuple(f"{prefix}*" for prefix in _PARAMETERS),
        "usage": (f"{_USAGE}*",),
        "completion_start_ns": _FIRST_CHUNK_KEYS,
        "prompt_name": (_PROMPT[0],),
        "prompt_version": (_PROMPT[1],),
        "metadata": tuple(f"{key} (as provider)" for key in _PROVIDER_KEYS),
    },
)

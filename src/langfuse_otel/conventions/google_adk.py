"""Google's Agent Development Kit (genai-semconv.md, section 13): ``gcp.vertex.agent.*``, with Gemini's own messages.

It comes before the GenAI conventions, whose tokens are on the same span, but without the cached ones and the thoughts.
"""

from __future__ import annotations

from typing import Any

from langfuse_otel.conventions import foreign_parts, gemini, messages, usage, values
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import json_safe

_REQUEST, _RESPONSE = "gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response"
_GEN_AI_USAGE, _GEN_AI_REQUEST = "gen_ai.usage.", "gen_ai.request."
_NOTHING = ("{}", "")  # tools' spans have an empty request and response
_PARAMETER_NAMES = {"max_output_tokens": "max_tokens"}


def _compose(reader: Reader) -> None:
    request, response = _taken(reader, _REQUEST), _taken(reader, _RESPONSE)
    if request is not None:
        _parameters(reader, request)
        _input(reader, request)
        _keep_rest(reader, _REQUEST, request)
    if response is not None:
        _output(reader, response)
        _usage(reader, response)
        _keep_rest(reader, _RESPONSE, response)


def _taken(reader: Reader, key: str) -> dict[str, Any] | None:
    """The JSON object of a part. One that is none, or cut off by an attribute limit, stays metadata."""
    if reader.mine.get(key) in _NOTHING:
        del reader.mine[key]
        return None
    found = values.json_object(reader.mine.get(key))
    if found is not None:
        del reader.mine[key]
    return found


def _keep_rest(reader: Reader, key: str, rest: dict[str, Any]) -> None:
    if rest:
        reader.metadata[key] = rest


def _input(reader: Reader, request: dict[str, Any]) -> None:
    if not reader.wants("input"):
        return
    conversation = foreign_parts.conversation(request.get("contents"), gemini.part, content_key="parts")
    if conversation is None:
        return
    del request["contents"]
    config = request.get("config")
    config = config if isinstance(config, dict) else {}
    system = _system(config.get("system_instruction"))
    if system is not None:
        del config["system_instruction"]
        conversation.insert(0, system)
    tools = _tools(config.get("tools"))
    if tools:
        del config["tools"]
    if not config:
        request.pop("config", None)
    model = values.text(request.get("model"))
    if model and reader.fields.get("model", model) == model:
        del request["model"]
        reader.offer("model", model)
    reader.offer("input", {"messages": conversation, "tools": tools} if tools else conversation)


def _system(instruction: object) -> Any:
    """Text, or a content with parts."""
    if isinstance(instruction, str):
        return messages.system_message([{"type": "text", "content": instruction}]) if instruction else None
    if isinstance(instruction, dict):
        return foreign_parts.message({**instruction, "role": "system"}, gemini.part, content_key="parts")
    return None


def _tools(found: object) -> list[Any]:
    """Declarations of functions each by itself; Google's own tools (``google_search``) as they are."""
    tools: list[Any] = []
    for group in found if isinstance(found, list) else []:
        declarations = group.get("function_declarations") if isinstance(group, dict) else None
        if isinstance(declarations, list):
            tools.extend(foreign_parts.tool(declaration) for declaration in declarations)
        else:
            tools.append(group)
    return tools


def _parameters(reader: Reader, request: dict[str, Any]) -> None:
    """The request's settings by GenAI's names, together with the two that the span has by those names itself."""
    config = request.get("config")
    if not isinstance(config, dict) or not reader.wants("model_parameters"):
        return
    parameters = {name: json_safe(value) for name, value in reader.family(_GEN_AI_REQUEST).items()}
    for name in [name for name in config if name not in ("system_instruction", "tools")]:
        key = _PARAMETER_NAMES.get(name, name)
        if parameters.setdefault(key, config[name]) == config[name]:
            del config[name]
    reader.offer("model_parameters", parameters or None)


def _output(reader: Reader, response: dict[str, Any]) -> None:
    if reader.wants("output"):
        message = foreign_parts.message(response.get("content"), gemini.part, content_key="parts")
        if message:
            del response["content"]
            reader.offer("output", message)


def _usage(reader: Reader, response: dict[str, Any]) -> None:
    """Gemini counts thoughts beside the candidates' tokens, and a tool's prompt beside the prompt's.

    Of other models thoughts may be among the candidates' tokens; then these and the prompt are the total.
    """
    found = response.get("usage_metadata")
    counts = {name: values.count(value) or 0 for name, value in found.items()} if isinstance(found, dict) else {}
    if not counts.get("prompt_token_count") or not reader.wants("usage"):
        return
    thoughts, candidates = counts.get("thoughts_token_count", 0), counts.get("candidates_token_count", 0)
    asked = counts["prompt_token_count"] + counts.get("tool_use_prompt_token_count", 0)
    within = thoughts <= candidates and asked + candidates == counts.get("total_token_count")
    said = {
        "input_tokens": asked,
        "output_tokens": candidates if within else candidates + thoughts,
        "total_tokens": counts.get("total_token_count", 0),
        "cache_read.input_tokens": counts.get("cached_content_token_count", 0),
        "reasoning.output_tokens": thoughts,
    }
    counted, _ = usage.from_gen_ai({name: count for name, count in said.items() if count})
    repeated = {"input_tokens": counts["prompt_token_count"], "output_tokens": candidates}
    added = {"output_tokens": candidates + thoughts}
    for name, value in reader.family(_GEN_AI_USAGE).items():
        if values.count(value) not in (said.get(name), repeated.get(name), added.get(name)):
            reader.put_back((_GEN_AI_USAGE + name,))
    reader.offer("usage", counted)


CONVENTION = Convention(
    name="google_adk",
    fields={
        "gcp.vertex.agent.tool_call_args": Field("input", values.content),
        "gcp.vertex.agent.tool_response": Field("output", values.content),
        "gcp.vertex.agent.session_id": Field("session_id", values.identifier),
    },
    parts=frozenset((_REQUEST, _RESPONSE)),
    compose=_compose,
    composes={
        "model": (f"{_REQUEST} (model, if nothing else says it)",),
        "model_parameters": (f"{_GEN_AI_REQUEST}*", f"{_REQUEST} (config)"),
        "input": (f"{_REQUEST} (contents, system instruction, tools)",),
        "output": (f"{_RESPONSE} (content)",),
        "usage": (f"{_RESPONSE} (usage_metadata)",),
        "metadata": (f"{_REQUEST} (the rest)", f"{_RESPONSE} (the rest)"),
    },
)

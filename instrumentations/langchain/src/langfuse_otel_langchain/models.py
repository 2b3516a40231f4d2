"""Calls of chat models and LLMs: what LangChain was asked and answered → attributes and messages."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlsplit

from langfuse_otel.instrumentation import Arguments, Attributes, Content, Endpoint, Server
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, fields, items, number, text, whole
from langfuse_otel_langchain.messages import message
from langfuse_otel_langchain.metadata import told

# LangChain's names of providers, where they differ from those of the conventions.
_PROVIDERS = {
    **dict.fromkeys(("azure", "azurechatopenai", "azure_openai"), "azure.ai.openai"),
    **dict.fromkeys(("google_genai", "googlegenerativeai"), "gcp.gemini"),
    **dict.fromkeys(("google_vertexai", "vertexai"), "gcp.vertex_ai"),
    **dict.fromkeys(("amazon_bedrock", "bedrock", "chatbedrockconverse"), "aws.bedrock"),
    **dict.fromkeys(("mistral", "mistralai"), "mistral_ai"),
    **dict.fromkeys(("xai",), "x_ai"),
}
_ADDRESSES = ("openai_api_base", "azure_endpoint", "anthropic_api_url", "base_url", "endpoint_url", "endpoint")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_NUMBERS = {
    "temperature": (names.REQUEST_TEMPERATURE, number),
    "top_p": (names.REQUEST_TOP_P, number),
    "top_k": (names.REQUEST_TOP_K, whole),
    "frequency_penalty": (names.REQUEST_FREQUENCY_PENALTY, number),
    "presence_penalty": (names.REQUEST_PRESENCE_PENALTY, number),
    "seed": (names.REQUEST_SEED, whole),
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "max_output_tokens"), (names.REQUEST_MAX_TOKENS, whole)),
    "reasoning_effort": (names.REQUEST_REASONING_LEVEL, text),
}
_FINISH_REASONS = ("finish_reason", "stop_reason", "stopReason", "done_reason")


def arguments_of(given: Any, serialized: Any, run: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call, as the readers below expect them."""
    params, metadata = fields(run.get("invocation_params")), fields(run.get("metadata"))
    model = text(params, "model") or text(params, "model_name") or text(metadata, "ls_model_name")
    return {"given": given, "model": model, "params": params, "run": run, "serialized": serialized}


def _server(arguments: dict[str, Any]) -> Server:
    provider = (text(field(arguments["run"], "metadata"), "ls_provider") or "unknown").lower()
    sent_to = fields(field(arguments["serialized"], "kwargs"))
    url = urlsplit(next(filter(None, (text(sent_to, name) for name in _ADDRESSES)), ""))
    return Server(_PROVIDERS.get(provider, provider), url.hostname, url.port or _DEFAULT_PORTS.get(url.scheme))


def _request(arguments: Arguments) -> Attributes:
    params, attributes = arguments["params"], told(arguments["run"])
    for name, (attribute, read) in _NUMBERS.items():
        if (value := read(params, name)) is not None:
            attributes[attribute] = value
    if stop := [item for item in items(params, "stop") if isinstance(item, str)]:
        attributes[names.REQUEST_STOP_SEQUENCES] = stop
    return attributes


def _input(arguments: Arguments) -> Content:
    tools = items(arguments["params"], "tools")
    return {
        names.INPUT_MESSAGES: [message(entry) for entry in arguments["given"]],
        names.TOOL_DEFINITIONS: [
            {"type": "function", **fields(fields(tool).get("function") or tool)} for tool in tools
        ],
    }


def _prompt_input(arguments: Arguments) -> Content:
    return {names.INPUT_MESSAGES: [said.message("user", [said.text(prompt)]) for prompt in arguments["given"]]}


def _response(result: Any) -> Attributes:
    generations = _generations(result)
    answer = field(next(iter(generations), None), "message")
    described, summed = fields(field(answer, "response_metadata")), fields(field(result, "llm_output"))
    usage = fields(field(answer, "usage_metadata"))
    counted = fields(summed.get("token_usage") or summed.get("usage") or described.get("token_usage"))
    before, after = fields(usage.get("input_token_details")), fields(usage.get("output_token_details"))
    response_id = text(described, "id") or text(answer, "id") or ""
    model = next(filter(None, (text(said_by, n) for said_by in (described, summed) for n in _MODELS)), None)
    attributes = {
        names.RESPONSE_MODEL: model,
        names.RESPONSE_ID: None if response_id.startswith(("lc_", "run-")) else response_id or None,
        names.RESPONSE_FINISH_REASONS: list(filter(None, map(_finish_reason, generations))) or None,
        names.USAGE_INPUT_TOKENS: _first(whole(usage, "input_tokens"), whole(counted, "prompt_tokens")),
        names.USAGE_OUTPUT_TOKENS: _first(whole(usage, "output_tokens"), whole(counted, "completion_tokens")),
        names.USAGE_CACHE_READ_INPUT_TOKENS: whole(before, "cache_read") or None,
        names.USAGE_CACHE_WRITE_INPUT_TOKENS: whole(before, "cache_creation") or None,
        names.USAGE_AUDIO_INPUT_TOKENS: whole(before, "audio") or None,
        names.USAGE_REASONING_OUTPUT_TOKENS: whole(after, "reasoning") or None,
        names.USAGE_AUDIO_OUTPUT_TOKENS: whole(after, "audio") or None,
        # An answer from LangChain's cache repeats the tokens and says that they cost nothing.
        "gen_ai.usage.cost": number(usage, "total_cost"),
        names.STATUS_CODE: whole(described, "status_code"),
    }
    return {name: value for name, value in attributes.items() if value is not None}


_MODELS = ("model_name", "model", "model_id")


def _output(result: Any) -> Content:
    return {
        names.OUTPUT_MESSAGES: [
            message(generation.message, _finish_reason(generation))
            if hasattr(generation, "message")
            else said.message("assistant", [said.text(generation.text)], finish_reason=_finish_reason(generation))
            for generation in _generations(result)
        ]
    }


def _generations(result: Any) -> Any:
    """Those of the only prompt; after an error the list may be empty, or hold what came until then."""
    return next(iter(items(result, "generations")), ())


def _finish_reason(generation: Any) -> str | None:
    said_in = (field(generation, "generation_info"), field(field(generation, "message"), "response_metadata"))
    return next(filter(None, (text(fields(where), name) for where in said_in for name in _FINISH_REASONS)), None)


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)


_ENDPOINT = partial(Endpoint, server=_server, request=_request, response=_response, output=_output)
CHAT = _ENDPOINT(operation=names.CHAT, input=_input)
TEXT = _ENDPOINT(operation=names.TEXT_COMPLETION, input=_prompt_input)

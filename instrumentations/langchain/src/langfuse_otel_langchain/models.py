"""Calls of chat models and LLMs: what LangChain was asked and answered → attributes and messages."""

from __future__ import annotations

from functools import partial
from typing import Any

from langfuse_otel.instrumentation import Arguments, Attributes, Content, Endpoint, Server
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.chat_completions import usage_attributes
from langfuse_otel.instrumentation.fields import field, fields, items, known, number, text, whole
from langfuse_otel.instrumentation.parameters import SAMPLING, Parameters, attributes_of
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
_PARAMETERS: Parameters = {
    **{name: said_by for name, said_by in SAMPLING.items() if name not in ("stream", "n")},
    "top_k": (names.REQUEST_TOP_K, whole),
    **dict.fromkeys(("max_completion_tokens", "max_output_tokens"), (names.REQUEST_MAX_TOKENS, whole)),
    "reasoning_effort": (names.REQUEST_REASONING_LEVEL, text),
}
_MODELS = ("model_name", "model", "model_id")
_FINISH_REASONS = ("finish_reason", "stop_reason", "stopReason", "done_reason")


def arguments_of(given: Any, serialized: Any, run: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call, as the readers below expect them."""
    params, metadata = fields(run.get("invocation_params")), fields(run.get("metadata"))
    model = text(params, "model") or text(params, "model_name") or text(metadata, "ls_model_name")
    return {"given": given, "model": model, "params": params, "run": run, "serialized": serialized}


def _server(arguments: dict[str, Any]) -> Server:
    provider = (text(field(arguments["run"], "metadata"), "ls_provider") or "unknown").lower()
    sent_to = fields(field(arguments["serialized"], "kwargs"))
    address = next(filter(None, (text(sent_to, name) for name in _ADDRESSES)), "")
    return Server.at(_PROVIDERS.get(provider, provider), address)


def _request(arguments: Arguments) -> Attributes:
    return {**told(arguments["run"]), **attributes_of(arguments["params"], _PARAMETERS)}


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
        names.USAGE_INPUT_TOKENS: whole(usage, "input_tokens"),
        names.USAGE_OUTPUT_TOKENS: whole(usage, "output_tokens"),
        names.USAGE_CACHE_READ_INPUT_TOKENS: whole(before, "cache_read") or None,
        names.USAGE_CACHE_WRITE_INPUT_TOKENS: whole(before, "cache_creation") or None,
        names.USAGE_AUDIO_INPUT_TOKENS: whole(before, "audio") or None,
        names.USAGE_REASONING_OUTPUT_TOKENS: whole(after, "reasoning") or None,
        names.USAGE_AUDIO_OUTPUT_TOKENS: whole(after, "audio") or None,
        # An answer from LangChain's cache repeats the tokens and says that they cost nothing.
        "gen_ai.usage.cost": number(usage, "total_cost"),
        names.STATUS_CODE: whole(described, "status_code"),
    }
    return {**usage_attributes(counted), **known(attributes)}


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


_ENDPOINT = partial(Endpoint, server=_server, request=_request, response=_response, output=_output)
CHAT = _ENDPOINT(operation=names.CHAT, input=_input)
TEXT = _ENDPOINT(operation=names.TEXT_COMPLETION, input=_prompt_input)

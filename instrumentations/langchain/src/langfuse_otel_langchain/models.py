"""Calls of chat models and LLMs: what LangChain was asked and answered → attributes and messages."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from langchain_core.messages import AIMessage, convert_to_messages

from langfuse_otel.instrumentation import Arguments, Attributes, Content, Endpoint, Server
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.chat_completions import tool_definition, usage_attributes
from langfuse_otel.instrumentation.fields import field, fields, first_text, items, known, number, text, whole
from langfuse_otel.instrumentation.parameters import ANY_SPELLING, attributes_of
from langfuse_otel.instrumentation.providers import provider_called
from langfuse_otel_langchain.messages import message
from langfuse_otel_langchain.metadata import told

_ADDRESSES = ("openai_api_base", "azure_endpoint", "anthropic_api_url", "base_url", "endpoint_url", "endpoint")
_MODELS = ("model_name", "model", "model_id")
_FINISH_REASONS = ("finish_reason", "stop_reason", "stopReason", "done_reason")


def arguments_of(given: Any, serialized: Any, run: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call, as the readers below expect them."""
    params, metadata = fields(run.get("invocation_params")), fields(run.get("metadata"))
    model = first_text(("model", "model_name", "ls_model_name"), params, metadata)
    return {"given": given, "model": model, "params": params, "run": run, "serialized": serialized}


def _server(arguments: dict[str, Any]) -> Server:
    provider = provider_called(text(field(arguments["run"], "metadata"), "ls_provider"))
    return Server.at(provider, first_text(_ADDRESSES, field(arguments["serialized"], "kwargs")) or "")


def _request(arguments: Arguments) -> Attributes:
    # Whether it streams is seen by its chunks.
    params = {name: value for name, value in arguments["params"].items() if name not in ("stream", "n")}
    return {**told(arguments["run"]), **attributes_of(params, ANY_SPELLING)}


def _input(arguments: Arguments) -> Content:
    return {
        names.INPUT_MESSAGES: [message(entry) for entry in convert_to_messages(arguments["given"])],
        names.TOOL_DEFINITIONS: [tool_definition(tool) for tool in items(arguments["params"], "tools")],
    }


def _response(result: Any) -> Attributes:
    generations = _generations(result)
    answer = field(next(iter(generations), None), "message")
    described, summed = fields(field(answer, "response_metadata")), fields(field(result, "llm_output"))
    usage = field(answer, "usage_metadata")
    counted = summed.get("token_usage") or summed.get("usage") or described.get("token_usage")
    response_id = first_text(("id",), described, answer) or ""
    cost = number(usage, "total_cost")
    attributes = {
        names.RESPONSE_MODEL: first_text(_MODELS, described, summed),
        names.RESPONSE_ID: None if response_id.startswith(("lc_", "run-")) else response_id or None,
        names.RESPONSE_FINISH_REASONS: list(filter(None, map(_finish_reason, generations))) or None,
        # An answer from LangChain's cache repeats the tokens and says that they cost nothing.
        names.COST_DETAILS: None if cost is None else json.dumps({"total": cost}),
        names.STATUS_CODE: whole(described, "status_code"),
    }
    return {**usage_attributes(counted), **usage_attributes(usage), **known(attributes)}


def _output(result: Any) -> Content:
    return {
        names.OUTPUT_MESSAGES: [
            message(getattr(generation, "message", None) or AIMessage(generation.text), _finish_reason(generation))
            for generation in _generations(result)
        ]
    }


def _generations(result: Any) -> Any:
    """Those of the only prompt; after an error the list may be empty, or hold what came until then."""
    return next(iter(items(result, "generations")), ())


def _finish_reason(generation: Any) -> str | None:
    described = field(field(generation, "message"), "response_metadata")
    return first_text(_FINISH_REASONS, field(generation, "generation_info"), described)


CHAT = Endpoint(
    operation=names.CHAT, server=_server, request=_request, input=_input, response=_response, output=_output
)
TEXT = replace(CHAT, operation=names.TEXT_COMPLETION)

"""Models that a framework calls, as it tells of them: whose model it is, and what the framework was told to send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.chat_completions import tool_definition
from langfuse_otel.instrumentation.declare import Arguments, Attributes, Content, Endpoint, Server
from langfuse_otel.instrumentation.fields import first_text, items
from langfuse_otel.instrumentation.messages import Message
from langfuse_otel.instrumentation.parameters import ANY_SPELLING, attributes_of
from langfuse_otel.instrumentation.providers import provider_called

_ADDRESSES = ("openai_api_base", "azure_endpoint", "anthropic_api_url", "base_url", "endpoint_url", "endpoint")
_MODELS = ("model", "model_name", "ls_model_name")
_SEEN = ("stream", "n")  # by the chunks and the answers


def asked(given: Any, *, provider: str | None, settings: Any, params: dict[str, Any], described: Any) -> dict[str, Any]:
    """The arguments of a call, for ``TracedRuns.begin_call``.

    Args:
        given: Messages or prompts, in the framework's form.
        provider: The name that the framework has for it.
        settings: Those of the framework's client, which may have the address of the server.
        params: What is sent besides the messages, by any maker's names.
        described: What else may name the model.
    """
    return {
        "given": given,
        "model": first_text(_MODELS, params, described),
        "params": params,
        "server": Server.at(provider_called(provider), first_text(_ADDRESSES, settings) or ""),
    }


def called_model(
    operation: str,
    messages: Callable[[Any], list[Message]],
    response: Callable[[Any], Attributes],
    output: Callable[[Any], Content],
) -> Endpoint:
    """The endpoint for calls with such arguments.

    Args:
        operation: See ``Endpoint``, as for the two readers of the framework's answers.
        messages: What the framework is given → messages.
        response: Answer → attributes.
        output: Answer → content.
    """

    def request(asked: Arguments) -> Attributes:
        params = {name: value for name, value in asked["params"].items() if name not in _SEEN}
        return {**asked["told"], **attributes_of(params, ANY_SPELLING)}

    def said(asked: Arguments) -> Content:
        return {
            names.INPUT_MESSAGES: messages(asked["given"]),
            names.TOOL_DEFINITIONS: [tool_definition(tool) for tool in items(asked["params"], "tools")],
        }

    return Endpoint(
        operation=operation,
        server=lambda asked: asked["server"],
        request=request,
        input=said,
        response=response,
        output=output,
    )

"""Where the ``google-genai`` client makes calls, and where it runs tools between them.

The public methods may send several requests: with functions as tools, one for each turn of the conversation that the
client leads by itself. Such a call is an agent with generations and tools below it; any other is one generation, and
what it calls is silent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from langfuse_otel.instrumentation import Endpoint, Hook, agent_endpoint
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.generate_content import GENERATE_CONTENT
from langfuse_otel_google_genai.response import api_failure, embed_response
from langfuse_otel_google_genai.server import server_of
from langfuse_otel_google_genai.tools import TOOL, runs_tools

GENERATE = replace(GENERATE_CONTENT, server=server_of, failure=api_failure, sequences=("contents",))
EMBED = replace(GENERATE, operation=names.EMBEDDINGS, response=embed_response, accumulator=None)
AGENT = agent_endpoint(GENERATE)
CHAT = replace(
    AGENT,
    identity=lambda chat, _: {names.REQUEST_MODEL: chat._model},
    input=lambda given: AGENT.input({"contents": given["message"]}),
    positional=("message", "config"),
)


def _generation_or_agent(models: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Endpoint:
    return AGENT if runs_tools(kwargs.get("config")) else GENERATE


def _agent(chat: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Endpoint | None:
    return CHAT if runs_tools(CHAT.arguments(args, kwargs).get("config") or chat._config) else None


_PLACES = (
    ("models", "Models.generate_content", _generation_or_agent),
    ("models", "Models.generate_content_stream", _generation_or_agent),
    ("models", "Models._generate_content", GENERATE),
    ("models", "Models._generate_content_stream", GENERATE),
    ("models", "Models.embed_content", EMBED),
    ("chats", "Chat.send_message", _agent),
    ("chats", "Chat.send_message_stream", _agent),
)
HOOKS = (
    *(
        Hook(f"google.genai.{module}:{prefix}{method}", endpoint, (f"google.genai.{module}:{prefix}{public}",))
        for module, method, endpoint in _PLACES
        for prefix in ("", "Async")
        for public in (method.replace("._", "."),)  # where others trace what we trace one level below
    ),
    Hook("google.genai._extra_utils:invoke_function_from_dict_args", TOOL),
    Hook("google.genai._extra_utils:invoke_function_from_dict_args_async", TOOL),
)
REQUESTS = tuple(f"google.genai._api_client:BaseApiClient.{name}" for name in ("_request_once", "_async_request_once"))

"""Where the ``openai`` client makes calls. Helpers such as ``stream()`` go through ``create`` and need no hook."""

from __future__ import annotations

from langfuse_otel.instrumentation import Endpoint, Hook, StreamUsage
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel_openai.chunks import ChatChunks, ResponseEvents, is_usage_chunk
from langfuse_otel_openai.request import (
    asks_for_usage,
    chat_input,
    chat_request,
    completions_request,
    embeddings_input,
    embeddings_request,
    prompt_input,
    responses_input,
    responses_request,
)
from langfuse_otel_openai.response import (
    chat_output,
    chat_response,
    completion_of,
    completions_output,
    embeddings_response,
    responses_output,
    responses_response,
)
from langfuse_otel_openai.server import server_of

CHAT = Endpoint(
    operation=names.CHAT,
    server=server_of,
    request=chat_request,
    input=chat_input,
    response=chat_response,
    output=chat_output,
    accumulator=ChatChunks,
    salvage=completion_of,
    connection=lambda stream: stream.response,  # the stream helpers close the HTTP response, not the stream
    stream_usage=StreamUsage(ask=asks_for_usage, is_extra=is_usage_chunk),
    sequences=("messages", "tools"),
)

RESPONSES = Endpoint(
    operation=names.CHAT,
    server=server_of,
    request=responses_request,
    input=responses_input,
    response=responses_response,
    output=responses_output,
    accumulator=ResponseEvents,
    connection=lambda stream: stream.response,
    sequences=("input", "tools"),
)

COMPLETIONS = Endpoint(
    operation=names.TEXT_COMPLETION,
    server=server_of,
    request=completions_request,
    input=prompt_input,
    response=chat_response,
    output=completions_output,
    accumulator=ChatChunks,
    connection=lambda stream: stream.response,
    stream_usage=StreamUsage(ask=asks_for_usage, is_extra=is_usage_chunk),
    sequences=("prompt",),
)

EMBEDDINGS = Endpoint(
    operation=names.EMBEDDINGS,
    server=server_of,
    request=embeddings_request,
    input=embeddings_input,
    response=embeddings_response,
    sequences=("input",),
)

_PLACES = (
    (CHAT, "openai.resources.chat.completions", "Completions", ("create", "parse")),
    (CHAT, "openai.resources.beta.chat.completions", "Completions", ("parse",)),  # where it was before 1.92
    (RESPONSES, "openai.resources.responses.responses", "Responses", ("create", "parse")),
    (COMPLETIONS, "openai.resources.completions", "Completions", ("create",)),
    (EMBEDDINGS, "openai.resources.embeddings", "Embeddings", ("create",)),
)

HOOKS = tuple(
    # OpenInference traces one level below, at the client's request method.
    Hook(f"{module}:{prefix}{resource}.{method}", endpoint, also_traced_at=(f"openai:{prefix}OpenAI.request",))
    for endpoint, module, resource, methods in _PLACES
    for prefix in ("", "Async")
    for method in methods
)

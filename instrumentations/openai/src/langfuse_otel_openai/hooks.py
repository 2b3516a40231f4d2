"""Where the ``openai`` client makes calls. Helpers such as ``stream()`` go through ``create`` and need no hook."""

from __future__ import annotations

from dataclasses import replace

from langfuse_otel.instrumentation import Endpoint, Hook, chat_completions, responses
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel_openai import media, request, response
from langfuse_otel_openai.server import server_of

_API_TYPE = "openai.api.type"

CHAT = Endpoint(
    operation=names.CHAT,
    server=server_of,
    identity=lambda *_: {_API_TYPE: "chat_completions"},
    request=chat_completions.chat_request,
    input=chat_completions.chat_input,
    response=chat_completions.chat_response,
    output=chat_completions.chat_output,
    accumulator=chat_completions.ChatChunks,
    salvage=response.completion_of,
    connection=lambda stream: stream.response,  # the stream helpers close the HTTP response, not the stream
    stream_usage=chat_completions.STREAM_USAGE,
    sequences=("messages", "tools"),
)
RESPONSES = replace(
    responses.RESPONSES,
    server=server_of,
    identity=lambda *_: {_API_TYPE: "responses"},
    connection=CHAT.connection,
    sequences=("input", "tools"),
)
FETCH = Endpoint(
    operation=names.FETCH_RESPONSE,
    server=server_of,
    identity=lambda _, given: {_API_TYPE: "responses", names.RESPONSE_ID: given["response_id"]},
    response=responses.fetched_response,
    output=responses.responses_output,
    accumulator=responses.ResponseEvents,
    connection=CHAT.connection,
    positional=("response_id",),
)
COMPLETIONS = replace(
    CHAT,
    operation=names.TEXT_COMPLETION,
    identity=lambda *_: {},
    request=chat_completions.completion_request,
    input=request.texts_input,
    output=response.completions_output,
    salvage=None,
    sequences=("prompt",),
)
EMBEDDINGS = Endpoint(
    operation=names.EMBEDDINGS,
    server=server_of,
    request=request.embeddings_request,
    input=request.texts_input,
    response=response.embeddings_response,
    sequences=("input",),
)
IMAGES = Endpoint(
    operation=names.GENERATE_CONTENT,
    server=server_of,
    identity=lambda *_: {names.OUTPUT_TYPE: "image"},
    request=request.media_request,
    input=media.media_input,
    response=chat_completions.identity_and_usage,
    output=media.images_output,
    accumulator=media.MediaEvents,
    connection=CHAT.connection,
    sequences=("image",),
)
TRANSCRIPTS = replace(
    IMAGES, identity=lambda *_: {names.OUTPUT_TYPE: "text"}, output=media.transcript_output, sequences=()
)
SPEECH = Endpoint(
    operation=names.GENERATE_CONTENT,
    server=server_of,
    identity=lambda *_: {names.OUTPUT_TYPE: "speech"},
    input=request.texts_input,
    output=media.speech_output,
)
MODERATIONS = Endpoint(
    operation="moderation",  # the conventions have no name for it
    server=server_of,
    identity=lambda *_: {names.STEP_TYPE: "guardrail"},
    input=media.moderation_input,
    response=chat_completions.identity,
    output=media.moderation_output,
    sequences=("input",),
)

_PLACES = (
    (CHAT, "chat.completions", "Completions", ("create", "parse")),
    (CHAT, "beta.chat.completions", "Completions", ("parse",)),  # where it was before 1.92
    (RESPONSES, "responses.responses", "Responses", ("create", "parse")),
    (FETCH, "responses.responses", "Responses", ("retrieve", "cancel")),
    (COMPLETIONS, "completions", "Completions", ("create",)),
    (EMBEDDINGS, "embeddings", "Embeddings", ("create",)),
    (IMAGES, "images", "Images", ("generate", "edit", "create_variation")),
    (SPEECH, "audio.speech", "Speech", ("create",)),
    (TRANSCRIPTS, "audio.transcriptions", "Transcriptions", ("create",)),
    (TRANSCRIPTS, "audio.translations", "Translations", ("create",)),
    (MODERATIONS, "moderations", "Moderations", ("create",)),
)
HOOKS = tuple(
    # OpenInference traces one level below, at the client's request method.
    Hook(f"openai.resources.{module}:{prefix}{resource}.{method}", endpoint, (f"openai:{prefix}OpenAI.request",))
    for endpoint, module, resource, methods in _PLACES
    for prefix in ("", "Async")
    for method in methods
)

REQUESTS = ("openai._base_client:BaseClient._build_request",)

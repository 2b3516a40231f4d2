"""Where the ``anthropic`` client makes calls, on every platform."""

from __future__ import annotations

from dataclasses import replace

from langfuse_otel.instrumentation import Hook, anthropic_messages
from langfuse_otel_anthropic.failure import messages_failure
from langfuse_otel_anthropic.server import server_of

MESSAGES = replace(
    anthropic_messages.MESSAGES,
    server=server_of,
    failure=messages_failure,
    connection=lambda stream: stream.response,
    sequences=("messages", "system", "tools"),
)

_MODULES = (
    "anthropic.resources.messages.messages",
    "anthropic.resources.beta.messages.messages",
    # Platforms whose beta messages are classes of their own, with the functions of the others.
    "anthropic.lib.bedrock._beta_messages",
    "anthropic.lib.vertex._beta_messages",
)

HOOKS = tuple(
    Hook(f"{module}:{prefix}Messages.{method}", MESSAGES, sends_with="_post" if method == "stream" else None)
    for module in _MODULES
    for prefix in ("", "Async")
    for method in ("create", "parse", "stream")
)

REQUESTS = ("anthropic._base_client:BaseClient._build_request",)

# Since 1.14 the client makes spans of its own, without content.
SELF_TRACED = ("anthropic._base_client:start_api_call_span",)

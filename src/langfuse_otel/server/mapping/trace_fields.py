"""What a row says about its trace: user, session, tags, environment, release (langfuse-api.md, sections 3.6, 3.7)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from langfuse_otel.server.mapping.values import first, text
from langfuse_otel.server.otlp_spans import Attributes, Source

_USER = (
    "langfuse.user.id",
    "user.id",
    "langfuse.observation.metadata.langfuse_user_id",
    "langfuse.trace.metadata.langfuse_user_id",
    "ai.telemetry.metadata.userId",
)
_SESSION = (
    "langfuse.session.id",
    "session.id",
    "gen_ai.conversation.id",
    "langfuse.observation.metadata.langfuse_session_id",
    "langfuse.trace.metadata.langfuse_session_id",
    "ai.telemetry.metadata.sessionId",
)
_TAGS = (
    "langfuse.trace.tags",
    "langfuse.tags",
    "langfuse.observation.metadata.langfuse_tags",
    "langfuse.trace.metadata.langfuse_tags",
    "ai.telemetry.metadata.tags",
    "tag.tags",
)
_ENVIRONMENT = ("langfuse.environment", "deployment.environment.name", "deployment.environment")


def user_id(attributes: Attributes) -> str | None:
    """Who used the application."""
    return text(first(attributes, _USER))


def session_id(attributes: Attributes) -> str | None:
    """The conversation that the trace belongs to."""
    return text(first(attributes, _SESSION))


def tags(attributes: Attributes) -> list[str]:
    """A list, the JSON text of one, several with commas between, or one."""
    given: Any = first(attributes, _TAGS)
    if isinstance(given, str):
        try:
            given = msgspec.json.decode(given)
        except msgspec.DecodeError:
            given = [tag.strip() for tag in given.split(",") if tag.strip()]
    if given is None:
        return []
    return [tag if isinstance(tag, str) else str(text(tag)) for tag in (given if isinstance(given, list) else [given])]


def environment(attributes: Attributes, source: Source) -> str:
    """Of the span, else of its resource; what Langfuse cannot take becomes ``default``."""
    for name in _ENVIRONMENT:
        given = attributes.get(name) or source.resource.get(name)
        if given:
            return normal_environment(str(given))
    return "default"


def normal_environment(name: str) -> str:
    """Lower case, without a leading ``langfuse``, at most 40 characters."""
    name = re.sub(r"^(?:langfuse[-_]?)+", "", name.strip().lower())[:40]
    return name if re.fullmatch(r"[a-z0-9_-]+", name) else "default"

"""Which stored prompt a call used: from the text it sends, else from the ``using`` block around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.trace import Span

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Attributes, Content
from langfuse_otel.provenance import current_prompt, recall

_EXPLICIT = frozenset((names.PROMPT_NAME, "langfuse.observation.prompt.name", "langfuse.prompt.name"))


def prompt_attributes(span: Span, content: Content) -> Attributes:
    """``gen_ai.prompt.name`` and ``.version`` of the prompt behind a call; empty when there is none.

    Instructions come before messages, and the first text that a prompt compiled to decides. A prompt that is named on
    the span already (by a span processor) stays.
    """
    if not _EXPLICIT.isdisjoint(getattr(span, "attributes", None) or ()):
        return {}
    ref = next(filter(None, map(recall, _texts(content))), None) or current_prompt()
    return {names.PROMPT_NAME: ref.name, names.PROMPT_VERSION: str(ref.version)} if ref else {}


def _texts(content: Content) -> Iterator[str]:
    yield from _texts_of(content.get(names.SYSTEM_INSTRUCTIONS) or ())
    for message in content.get(names.INPUT_MESSAGES) or ():
        yield from _texts_of(message["parts"])


def _texts_of(parts: Iterable[dict[str, Any]]) -> Iterator[str]:
    return (part["content"] for part in parts if part["type"] == "text")

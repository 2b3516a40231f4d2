"""Which stored prompt a call used: from the text it sends, else from the ``using`` block around it."""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.trace import Span

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Attributes, Content
from langfuse_otel.instrumentation.fields import field
from langfuse_otel.provenance import PROMPT_LABEL, current_prompt, recall_among

_EXPLICIT = frozenset((names.PROMPT_NAME, "langfuse.observation.prompt.name", "langfuse.prompt.name"))


def prompt_attributes(span: Span, content: Content) -> Attributes:
    """``gen_ai.prompt.name`` and ``.version`` of the prompt behind a call, and its label; empty when there is none.

    Instructions come before messages, and the first text that a prompt compiled to decides; if there is none, the first
    that such a text is a part of. A prompt that is named on the span already (by a span processor) stays.
    """
    ref = recall_among(_texts(content)) or current_prompt()
    if ref is None or not _EXPLICIT.isdisjoint(getattr(span, "attributes", None) or ()):
        return {}
    found: Attributes = {names.PROMPT_NAME: ref.name, names.PROMPT_VERSION: str(ref.version)}
    if ref.label is not None:
        found[PROMPT_LABEL] = ref.label
    return found


def _texts(content: Content) -> Iterator[str]:
    instructions = content.get(names.SYSTEM_INSTRUCTIONS) or ()
    messages = content.get(names.INPUT_MESSAGES) or ()
    for parts in (instructions, *(field(message, "parts") for message in messages)):
        for part in parts:
            if field(part, "type") == "text":
                yield field(part, "content")

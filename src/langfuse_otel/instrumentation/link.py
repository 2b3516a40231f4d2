"""Which stored prompt a call used: from the text it sends, else from the ``using`` block around it."""

from __future__ import annotations

from opentelemetry.trace import Span

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Attributes, Content
from langfuse_otel.provenance import PromptRef, current_prompt, recall

_EXPLICIT = frozenset((names.PROMPT_NAME, "langfuse.observation.prompt.name", "langfuse.prompt.name"))


def prompt_attributes(span: Span, content: Content) -> Attributes:
    """``gen_ai.prompt.name`` and ``.version`` of the prompt behind a call; empty when there is none.

    Instructions come before messages, and the first text that a prompt compiled to decides. A prompt that is named on
    the span already (by a span processor) stays.
    """
    ref = _recalled(content) or current_prompt()
    if ref is None or not _EXPLICIT.isdisjoint(getattr(span, "attributes", None) or ()):
        return {}
    return {names.PROMPT_NAME: ref.name, names.PROMPT_VERSION: str(ref.version)}


def _recalled(content: Content) -> PromptRef | None:
    instructions = content.get(names.SYSTEM_INSTRUCTIONS) or ()
    for parts in (instructions, *(message["parts"] for message in content.get(names.INPUT_MESSAGES) or ())):
        for part in parts:
            if part["type"] == "text" and (ref := recall(part["content"])) is not None:
                return ref
    return None

"""The completion hook for OpenTelemetry's own GenAI instrumentations: messages and media land on their spans.

Those packages record no content unless told to, but hand it as typed parts, media as bytes, to the hook that
``OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK`` names. Ours is ``langfuse``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.trace import Span

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.content import Mask
from langfuse_otel.instrumentation.declare import Attributes, Content
from langfuse_otel.instrumentation.guard import guarded
from langfuse_otel.instrumentation.link import prompt_attributes
from langfuse_otel.instrumentation.options import content_policy, settings_of


class CompletionHook:
    """Sets content, and the stored prompt behind it, as attributes of the span of each call. Never raises.

    Args:
        capture_content: Whether content is recorded; default: the setting of this name.
        mask: See ``content.Mask``.
    """

    def __init__(self, *, capture_content: Any = None, mask: Mask | None = None) -> None:
        self._content = content_policy(settings_of({"capture_content": capture_content}), mask)

    def on_completion(
        self,
        *,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        system_instruction: Sequence[Any],
        tool_definitions: Sequence[Any] | None = None,
        span: Span | None = None,
        log_record: Any = None,
    ) -> None:
        """A call has ended, and its span is about to. What is on the span already stays as it is."""
        if span is None or not span.is_recording():
            return
        content: Content = {
            names.INPUT_MESSAGES: inputs,
            names.OUTPUT_MESSAGES: outputs,
            names.SYSTEM_INSTRUCTIONS: system_instruction,
            names.TOOL_DEFINITIONS: tool_definitions,
        }
        given = getattr(span, "attributes", None) or {}
        found: Attributes = guarded("linking the prompt", lambda said: prompt_attributes(span, said), content) or {}
        if self._content.capture:
            missing = {name: value for name, value in content.items() if name not in given}
            found = {**found, **self._content.encode(missing)}
        span.set_attributes(found)

"""Calls inside calls: only the outermost one is a generation.

A framework that traces its own model calls says so in the OpenTelemetry context; we then stay silent. We say the same
while one of our calls runs, for instrumentations below.
"""

from __future__ import annotations

import sys
from typing import Any

from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import NonRecordingSpan, get_current_span
from opentelemetry.util.types import AttributeValue

from langfuse_otel.instrumentation import attributes as names

# OpenLLMetry's key, which other projects honour too.
LANGUAGE_MODEL_KEY = "suppress_language_model_instrumentation"
# The official GenAI instrumentations' keys by operation, with the class of their values, which inner calls fill.
_OFFICIAL = {names.EMBEDDINGS: ("opentelemetry.genai.client.embedding.context", "EmbeddingData")}
_OFFICIAL_INFERENCE = ("opentelemetry.genai.client.inference.context", "InferenceData")


def is_suppressed(context: Context) -> bool:
    """Whether calls in the current context, which this is, are not to be traced at all."""
    return bool(context) and (bool(context.get(LANGUAGE_MODEL_KEY)) or not is_instrumentation_enabled())


def outer_call(context: Context, operation: str) -> OuterCall | None:
    """The official instrumentation's call of this kind around a context, if there is one."""
    key, _ = _OFFICIAL.get(operation, _OFFICIAL_INFERENCE)
    data = context.get(key)
    return OuterCall(data) if data is not None else None


def suppressing(operation: str) -> dict[str, object]:
    """What a context has to have for nested calls of the same kind to stay silent."""
    # Only if an official package is loaded: it then finds the value that it knows.
    official = sys.modules.get("opentelemetry.util.genai.invocation")
    if official is not None:
        key, class_name = _OFFICIAL.get(operation, _OFFICIAL_INFERENCE)
        make = getattr(official, class_name, None)
        if make is not None:
            return {LANGUAGE_MODEL_KEY: True, key: make()}
    return {LANGUAGE_MODEL_KEY: True}


class OuterCall(NonRecordingSpan):
    """Takes the place of our span below an official one: what we find out goes to the outer call.

    ``gen_ai.usage.input_tokens`` is the field ``usage_input_tokens`` there, and so on. Message content stays out: the
    outer call has its own.
    """

    def __init__(self, data: Any) -> None:
        super().__init__(get_current_span().get_span_context())
        self._data = data

    def is_recording(self) -> bool:
        """True, so that responses are read."""
        return True

    def set_attributes(self, attributes: Any) -> None:
        """Fill the outer call's fields; names it has no field for go to its attributes."""
        for name, value in attributes.items():
            self.set_attribute(name, value)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Fill one field."""
        if key in names.CONTENT:
            return
        field_name = key.removeprefix("gen_ai.").replace(".", "_")
        if hasattr(self._data, field_name):
            setattr(self._data, field_name, value)
        elif isinstance(further := getattr(self._data, "attributes", None), dict):
            further[key] = value

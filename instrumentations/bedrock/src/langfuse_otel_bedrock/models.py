"""Models: as people call them, and the form of their bodies."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Endpoint, formats

# By what stands in the id, as regions may stand before it; the first that fits.
_FORMATS = (
    ("anthropic.", formats.MESSAGES),
    ("amazon.nova", formats.CONVERSE),
    ("amazon.titan-embed", formats.EMBEDDINGS),
    ("amazon.titan", formats.COMPLETION),
    ("meta.llama", formats.COMPLETION),
    ("cohere.embed", formats.EMBEDDINGS),
)


def model_name(model_id: Any) -> Any:
    """The id without the ARN around it, where that holds a model's id, which prices are found by."""
    if not isinstance(model_id, str) or not model_id.startswith("arn:"):
        return model_id
    kind, _, name = model_id.split(":", 5)[-1].partition("/")
    return name if kind in ("foundation-model", "inference-profile") else model_id


def format_of(model_id: Any) -> Endpoint:
    """How the bodies of a model are read."""
    return next((form for part, form in _FORMATS if part in str(model_id)), formats.CHAT)

"""Model ids: as people call them, and the family they belong to."""

from __future__ import annotations

from typing import Any

from langfuse_otel_bedrock.families.anthropic import ANTHROPIC
from langfuse_otel_bedrock.families.cohere import COHERE, COHERE_EMBEDDINGS
from langfuse_otel_bedrock.families.family import Family
from langfuse_otel_bedrock.families.llama import LLAMA
from langfuse_otel_bedrock.families.mistral import MISTRAL
from langfuse_otel_bedrock.families.nova import NOVA
from langfuse_otel_bedrock.families.titan import TITAN, TITAN_EMBEDDINGS

# By what stands in the id, as regions may stand before it; the first that fits.
_FAMILIES = (
    ("anthropic.", ANTHROPIC),
    ("amazon.nova", NOVA),
    ("amazon.titan-embed", TITAN_EMBEDDINGS),
    ("amazon.titan", TITAN),
    ("meta.llama", LLAMA),
    ("cohere.embed", COHERE_EMBEDDINGS),
    ("cohere.", COHERE),
)


def model_name(model_id: Any) -> Any:
    """The id without the ARN around it, where that holds a model's id, which prices are found by."""
    if not isinstance(model_id, str) or not model_id.startswith("arn:"):
        return model_id
    kind, _, name = model_id.split(":", 5)[-1].partition("/")
    return name if kind in ("foundation-model", "inference-profile") else model_id


def family_of(model_id: Any) -> Family:
    """The family of a model; those that are not known are read as OpenAI's form, which most makers share."""
    return next((family for part, family in _FAMILIES if part in str(model_id)), MISTRAL)

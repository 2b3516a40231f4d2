"""What the client gives besides answers of models → attributes: embeddings, and exceptions."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Attributes
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import items, known, whole
from langfuse_otel.instrumentation.generate_content import get


def embed_response(response: Any) -> Attributes:
    """Attributes of embeddings; vectors are not recorded."""
    embeddings = items(response, "embeddings")
    counts = [get(get(embedding, "statistics"), "token_count") for embedding in embeddings]
    tokens = [int(count) for count in counts if isinstance(count, (int, float))]
    vector = get(next(iter(embeddings), None), "values")
    return known(
        {
            names.USAGE_INPUT_TOKENS: sum(tokens) if tokens else None,
            names.EMBEDDINGS_DIMENSION_COUNT: len(vector) if isinstance(vector, list) else None,
        }
    )


def api_failure(error: BaseException) -> Attributes:
    """The status code of the answer."""
    return known({names.STATUS_CODE: whole(error, "code")})

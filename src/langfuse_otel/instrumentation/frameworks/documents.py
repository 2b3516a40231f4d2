"""Documents that were retrieved, by all names that frameworks and stores have for what is in them."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation.fields import field, fields, first_text, known, number

_IDS = ("id", "id_", "doc_id")
_CONTENTS = ("page_content", "content", "text")
_METADATA = ("metadata", "meta")


def document(found: Any) -> dict[str, Any]:
    """One document. Some stores put the score into the metadata."""
    metadata = next((given for name in _METADATA if (given := fields(field(found, name)))), {})
    score = number(found, "score")
    told = {
        "id": first_text(_IDS, found),
        "content": first_text(_CONTENTS, found),
        "score": metadata.get("score") if score is None else score,
    }
    return {**known(told), "metadata": metadata}

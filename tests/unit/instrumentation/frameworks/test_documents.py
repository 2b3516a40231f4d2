"""Documents that were retrieved."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from langfuse_otel.instrumentation.frameworks.documents import document

METADATA = {"source": "a.txt"}


@pytest.mark.parametrize(
    "found",
    [
        {"id": "d1", "page_content": "Otters", "score": 0.5, "metadata": METADATA},
        {"id": "d1", "content": "Otters", "score": 0.5, "meta": METADATA},
        {"id_": "d1", "text": "Otters", "score": 0.5, "metadata": METADATA},
    ],
)
def test_a_document_is_read_by_any_names(found: dict[str, Any]) -> None:
    told = {"id": "d1", "content": "Otters", "score": 0.5, "metadata": METADATA}
    assert document(found) == document(SimpleNamespace(**found)) == told


def test_the_score_may_be_in_the_metadata() -> None:
    assert document({"text": "Otters", "metadata": {"score": 1}})["score"] == 1


@pytest.mark.parametrize("found", [None, 3, "Otters", object(), {}])
def test_what_is_no_document_says_nothing(found: Any) -> None:
    assert document(found) == {"metadata": {}}

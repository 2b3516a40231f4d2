"""The knowledge base: passages of local Markdown files, found by the likeness of their embeddings."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from openai import OpenAI
from opentelemetry import trace

_tracer = trace.get_tracer("tarn.assistant")


@dataclass(frozen=True)
class Passage:
    """A section of a file."""

    source: str
    text: str


class KnowledgeBase:
    """Passages with their embeddings, in memory.

    Args:
        folder: Its ``*.md`` files; each ``##`` section becomes a passage.
        client: Where embeddings come from.
        model: Which model makes them.
    """

    def __init__(self, folder: Path, client: OpenAI, model: str) -> None:
        self._client, self._model, self._name = client, model, folder.name
        self._passages = [passage for file in sorted(folder.glob("*.md")) for passage in _sections(file)]
        with _tracer.start_as_current_span(f"index {folder.name}"):
            self._vectors = self._embed([f"{passage.source} {passage.text}" for passage in self._passages])

    def search(self, query: str, top_k: int = 2) -> list[Passage]:
        """The passages most like ``query``, best first."""
        attributes: dict[str, str | int] = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.data_source.id": self._name,
            "gen_ai.retrieval.query.text": query,
            "gen_ai.retrieval.top_k": top_k,
        }
        with _tracer.start_as_current_span(f"retrieval {self._name}", attributes=attributes) as span:
            (wanted,) = self._embed([query])
            scores = [_cosine(wanted, vector) for vector in self._vectors]
            best = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:top_k]
            found = [{"id": self._passages[at].source, "score": round(scores[at], 3)} for at in best]
            span.set_attribute("gen_ai.retrieval.documents", json.dumps(found))
            return [self._passages[at] for at in best]

    def _embed(self, texts: Sequence[str]) -> list[list[float]]:
        answer = self._client.embeddings.create(model=self._model, input=list(texts))
        return [item.embedding for item in answer.data]


def _sections(file: Path) -> list[Passage]:
    _, *sections = file.read_text(encoding="utf-8").split("\n## ")
    return [
        Passage(f"{file.stem}: {title}", text.strip()) for title, _, text in (part.partition("\n") for part in sections)
    ]


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    lengths = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=True)) / lengths if lengths else 0.0

"""Chunks of a stream → one answer, in the form that ``response.py`` reads."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation.fields import items
from langfuse_otel.instrumentation.generate_content.contents import get, spelled

_LATEST = ("response_id", "model_version", "usage_metadata", "prompt_feedback")


class GenerateChunks:
    """Joins the chunks of one answer. Counts of tokens are totals so far: the last ones hold."""

    def __init__(self) -> None:
        self._latest: dict[str, Any] = {}
        self._candidates: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Any) -> bool:
        """Take in a chunk; True when it has parts."""
        self._latest.update(spelled(chunk, _LATEST))
        has_content = False
        for candidate in items(chunk, "candidates"):
            empty: dict[str, Any] = {"content": {"role": "model", "parts": []}, "finish_reason": None}
            joined = self._candidates.setdefault(get(candidate, "index") or 0, empty)
            parts = get(get(candidate, "content"), "parts") or ()
            joined["content"]["parts"].extend(parts)
            joined["finish_reason"] = get(candidate, "finish_reason") or joined["finish_reason"]
            has_content = has_content or bool(parts)
        return has_content

    def response(self) -> dict[str, Any] | None:
        """The answer so far; None before the first chunk."""
        candidates = [candidate for _, candidate in sorted(self._candidates.items())]
        return {**self._latest, "candidates": candidates} if self._latest or candidates else None

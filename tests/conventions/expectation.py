"""The observation beside each recorded span: ``corpus/<name>.expected.json``.

``python tests/conventions/expectation.py`` writes them anew from what is read today; read the difference before you
commit it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from collector import BASE_NS, spans_of
from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel.conventions.registry import read

CORPUS = Path(__file__).parent / "corpus"
_ELSEWHERE = {"trace_id", "resource", "scope"}  # the same for all, or as in the recording


def recordings() -> list[str]:
    """Names of the corpora."""
    return sorted(path.stem for path in CORPUS.glob("*.json") if not path.stem.endswith(".expected"))


def recorded(name: str) -> list[ReadableSpan]:
    """The spans of one, oldest first."""
    return spans_of((CORPUS / f"{name}.json").read_text(encoding="utf-8"))


def observed(name: str) -> list[dict[str, Any]]:
    """What is made of them, without what says nothing; times from the recording's start."""
    return [_readable(read(span)) for span in recorded(name)]


def expected(name: str) -> list[dict[str, Any]]:
    """What should be."""
    found: list[dict[str, Any]] = json.loads((CORPUS / f"{name}.expected.json").read_text(encoding="utf-8"))
    return found


def _readable(observation: Any) -> dict[str, Any]:
    fields = {name: getattr(observation, name) for name in observation.__struct_fields__ if name not in _ELSEWHERE}
    for name in ("start_ns", "end_ns", "completion_start_ns"):
        if fields[name] is not None:
            fields[name] -= BASE_NS
    readable: dict[str, Any] = json.loads(msgspec.json.encode(fields))
    return {name: value for name, value in readable.items() if value not in (None, {}, [], False)}


if __name__ == "__main__":
    for one in recordings():
        text = json.dumps(observed(one), indent=1, ensure_ascii=False)
        (CORPUS / f"{one}.expected.json").write_text(text + "\n", encoding="utf-8")

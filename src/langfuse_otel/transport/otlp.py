"""How ``POST /api/public/otel/v1/traces`` answers."""

from __future__ import annotations

from collections.abc import Sequence

from langfuse_otel.http import Answer
from langfuse_otel.transport.answer import failure, json_body, not_langfuse
from langfuse_otel.transport.outcome import Accepted, Outcome, Partial
from langfuse_otel.wire.encoded import Encoded


def judge_otlp(answer: Answer, batch: Sequence[Encoded]) -> Outcome:
    """Believe 200 with JSON (Langfuse sends ``{}`` or a dump of its job) or with nothing, and no other success.

    A Collector in between may name a number of rejected spans; OTLP forbids to send those again.
    """
    failed = failure(answer)
    if failed is not None:
        return failed
    if answer.status != 200:
        return not_langfuse(answer)
    if not answer.body.strip():
        return not_langfuse(answer) if "html" in answer.headers.get("content-type", "").lower() else Accepted()
    body = json_body(answer)
    if not isinstance(body, (dict, list)):
        return not_langfuse(answer)
    partial = body.get("partialSuccess") if isinstance(body, dict) else None
    if isinstance(partial, dict):
        rejected = min(_count(partial.get("rejectedSpans")), len(batch))
        if rejected:
            return Partial(refused_unnamed=rejected, reason=str(partial.get("errorMessage") or "rejected")[:300])
    return Accepted()


def _count(value: object) -> int:
    """A protobuf int64 as JSON has it: a number, or text."""
    try:
        return max(0, int(value))  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return 0

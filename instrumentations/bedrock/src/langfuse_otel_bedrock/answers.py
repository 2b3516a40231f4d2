"""Answers and errors of botocore: handed on to the application as they are, and watched while it reads them."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Attributes
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.bodies import EventSource, ReadAside
from langfuse_otel.instrumentation.call import Call
from langfuse_otel.instrumentation.fields import field, fields, known, text, whole
from langfuse_otel.instrumentation.stream import Progress

METADATA = "ResponseMetadata"


def events_handed_on(answer: Any, call: Call, *, key: str) -> Any:
    """An answer whose event stream, under ``key``, is watched."""
    call.is_streamed()
    answer[key] = EventSource(answer[key], _progress(answer, call))
    return answer


def body_handed_on(answer: Any, call: Call) -> Any:
    """An answer whose body is read by the application, once, and by us with it."""
    body = answer["body"]
    length = text(field(answer[METADATA], "HTTPHeaders"), "content-length") or ""
    # Everything that a StreamingBody gives comes from its raw stream; the body stays what and where it is.
    body._raw_stream = ReadAside(body._raw_stream, _progress(answer, call), int(length) if length.isdigit() else None)
    return answer


def failure(error: BaseException) -> Attributes:
    """Status, request id and retries, as the service's errors carry them."""
    return transport(getattr(error, "response", None))


def transport(answer: Any) -> Attributes:
    """What an answer or an error says of its transport."""
    metadata = fields(field(answer, METADATA))
    status = whole(metadata, "HTTPStatusCode")
    return known(
        {
            "aws.request_id": text(metadata, "RequestId"),
            names.STATUS_CODE: status if status is not None and status >= 400 else None,
            names.RESEND_COUNT: whole(metadata, "RetryAttempts") or None,
        }
    )


def _progress(answer: Any, call: Call) -> Progress:
    progress = Progress(call)
    progress.take({METADATA: answer.get(METADATA)})
    return progress

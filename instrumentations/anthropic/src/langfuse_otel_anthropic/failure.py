"""What the client's exceptions say."""

from __future__ import annotations

from langfuse_otel.instrumentation import Attributes
from langfuse_otel.instrumentation.failures import http_failure
from langfuse_otel.instrumentation.fields import text


def messages_failure(error: BaseException) -> Attributes:
    """Status, and the id by which the provider finds the request."""
    request_id = text(error, "request_id")
    return {**http_failure(error), **({"anthropic.request.id": request_id} if request_id else {})}

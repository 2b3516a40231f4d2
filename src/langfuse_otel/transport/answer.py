"""What an HTTP answer means when the wire does not matter: statuses, redirects, pages that are no API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from langfuse_otel.errors import MalformedResponseError, error_for_status
from langfuse_otel.http import Answer
from langfuse_otel.transport.outcome import Held, NotServed, Outcome, Refused, RetryAfter, Split

_MAX_REASON_CHARACTERS = 300
_CHECK_URL = "check LANGFUSE_BASE_URL"


def failure(answer: Answer) -> Outcome | None:
    """The outcome of every status that is no success, None for a 2xx: there the wire reads the body.

    Which statuses to retry: langfuse-api.md, section 1. A status that is not listed there holds the spans, because
    dropping them cannot be undone.
    """
    status = answer.status
    if answer.ok:
        return None
    reason = f"HTTP {status}: {_words(answer)}"
    error = error_for_status(status, reason, request_id=answer.request_id, retry_after_s=answer.retry_after_s)
    if status in (408, 429) or status >= 500:
        return RetryAfter(reason, answer.retry_after_s, error=error)
    if status in (400, 422):
        return Refused(reason, error=error)
    if status == 413:
        return Split(reason, error=error)
    if status in (401, 403):
        check = "check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, and that LANGFUSE_BASE_URL is theirs"
        return Held(f"{reason}; {check}", error=error)
    if status in (404, 405, 410):
        return NotServed(f"{reason}; {_CHECK_URL}", error=error)
    if 300 <= status < 400:
        where = f"redirect to {_place(answer)}; {_CHECK_URL}: redirects are not followed"
        return Held(f"HTTP {status}: {where}", error=error)
    return Held(f"{reason}; {_CHECK_URL}", error=error)


def not_langfuse(answer: Answer) -> Held:
    """The outcome of a success that cannot come from Langfuse: a login page, a proxy's greeting, half a JSON."""
    kind = answer.headers.get("content-type", "no content type")
    reason = f"HTTP {answer.status} with a body that Langfuse does not send ({kind[:80]}); {_CHECK_URL}"
    return Held(reason, error=MalformedResponseError(reason, request_id=answer.request_id))


def json_body(answer: Answer) -> Any:
    """The decoded body, None when it is not JSON."""
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _words(answer: Answer) -> str:
    """What the server says went wrong; routes differ in how they say it (langfuse-api.md, section 1)."""
    body = json_body(answer)
    if not isinstance(body, dict):
        return "no explanation"
    said = (body.get("message"), body.get("error"))
    text = ": ".join(part for part in said if isinstance(part, str))
    return text[:_MAX_REASON_CHARACTERS] or "no explanation"


def _place(answer: Answer) -> str:
    """Where a redirect points, without what a login service may have put in its query."""
    parts = urlsplit(answer.headers.get("location", ""))
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:_MAX_REASON_CHARACTERS] if parts.netloc else "another path"

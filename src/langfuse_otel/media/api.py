"""The media API: asks for a place, puts the bytes there, says how it went (langfuse-api.md, section 5.5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import msgspec

from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.errors import LangfuseError, MalformedResponseError, TimedOutError, error_for_status
from langfuse_otel.http import Answer, HttpClient
from langfuse_otel.json_encoding import to_json
from langfuse_otel.media.address import objection
from langfuse_otel.media.medium import Medium

_MAX_REASON_CHARACTERS = 300


class NoMediaApiError(LangfuseError):
    """404 where the media API should be: an old Langfuse, or something that is like it in part."""

    code = "no_media_api"


class MediaApi:
    """Uploads one medium at a time.

    Args:
        client: Knows address, keys and time limits.
        clock: Time.
    """

    def __init__(self, client: HttpClient, clock: Clock = SYSTEM_CLOCK) -> None:
        self._client = client
        self._clock = clock

    def upload(self, medium: Medium, deadline: float) -> None:
        """Bring one medium to the server, before ``deadline`` on the monotonic clock.

        Raises:
            NoMediaApiError: The server has none.
            LangfuseError: It did not work; ``retryable`` says whether it may later.
        """
        place = self._place_for(medium, deadline)
        if place is None:
            return
        headers = {"Content-Type": medium.content_type}
        if "storage.googleapis.com" not in place:  # Google's refuses headers that it did not sign
            headers |= {"x-amz-checksum-sha256": medium.sha256, "x-ms-blob-type": "BlockBlob"}
        started = self._clock.monotonic()
        answer = self._client.put(place, medium.content, headers=headers, timeout_s=self._left_s(deadline))
        took_ms = round((self._clock.monotonic() - started) * 1000)
        self._report(medium, answer, took_ms, deadline)
        _raise_for(answer, "the storage of media")

    def _place_for(self, medium: Medium, deadline: float) -> str | None:
        """Where to put it; None when it is there already, from whomever."""
        answer = self._send("POST", "/api/public/media", _place_request(medium), deadline)
        if answer.status in (404, 405):
            raise NoMediaApiError(f"POST /api/public/media answered {answer.status}")
        _raise_for(answer, "the media API")
        try:
            place = _decode_place(answer.body)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise MalformedResponseError(f"the media API's answer is not what it promises: {error}") from None
        if place.upload_url is None:
            return None
        if place.media_id != medium.media_id:
            raise MalformedResponseError(f"the media API calls {medium.media_id} {place.media_id[:40]!r}")
        problem = objection(place.upload_url, self._client.base_url)
        if problem is not None:
            raise MalformedResponseError(f"the address that Langfuse wants media to be put to {problem}")
        return place.upload_url

    def _report(self, medium: Medium, answer: Answer, took_ms: int, deadline: float) -> None:
        now = datetime.fromtimestamp(self._clock.wall(), timezone.utc).isoformat(timespec="milliseconds")
        report: dict[str, Any] = {
            "uploadedAt": now.replace("+00:00", "Z"),
            "uploadHttpStatus": answer.status,
            "uploadTimeMs": took_ms,
        }
        if not answer.ok:
            report["uploadHttpError"] = answer.body[:_MAX_REASON_CHARACTERS].decode(errors="replace")
        reported = self._send("PATCH", f"/api/public/media/{medium.media_id}", report, deadline)
        if answer.ok:  # else the failure that was to be reported is the one to act on
            _raise_for(reported, "the media API")

    def _send(self, method: str, path: str, body: Mapping[str, Any], deadline: float) -> Answer:
        return self._client.send(
            method,
            path,
            body=to_json(body),
            content_type="application/json",
            timeout_s=self._left_s(deadline),
        )

    def _left_s(self, deadline: float) -> float:
        left_s = deadline - self._clock.monotonic()
        if left_s <= 0:
            raise TimedOutError("no time was left for it")
        return left_s


class _Place(msgspec.Struct, rename="camel"):
    media_id: str
    upload_url: str | None


_decode_place = msgspec.json.Decoder(_Place).decode


def _place_request(medium: Medium) -> dict[str, Any]:
    return {
        "traceId": medium.trace_id,
        "observationId": medium.observation_id,
        "field": medium.field,
        "contentType": medium.content_type,
        "contentLength": len(medium.content),
        "sha256Hash": medium.sha256,
    }


def _raise_for(answer: Answer, whose: str) -> None:
    if not answer.ok:
        said = answer.body[:_MAX_REASON_CHARACTERS].decode(errors="replace").strip()
        message = f"{whose} answered {answer.status}: {said or 'no explanation'}"
        raise error_for_status(answer.status, message, retry_after_s=answer.retry_after_s)

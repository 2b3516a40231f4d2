"""Langfuse's prompt endpoints: models in and out, nothing cached (langfuse-api.md, section 4)."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.errors import (
    ConnectionFailedError,
    InvalidRequestError,
    LangfuseError,
    MalformedResponseError,
    error_for_status,
)
from langfuse_otel.http import Answer, HttpClient
from langfuse_otel.json_encoding import to_json
from langfuse_otel.prompts.body import content_body, decode_body
from langfuse_otel.prompts.composition import resolve
from langfuse_otel.prompts.known import scope_of
from langfuse_otel.prompts.models import (
    ChatMessage,
    Placeholder,
    Prompt,
    PromptSummary,
    PromptType,
    Selector,
)
from langfuse_otel.prompts.request import ALL, ONE, VERSION, Request
from langfuse_otel.prompts.request_spans import RequestSpans
from langfuse_otel.redact import redact
from langfuse_otel.resilience.backoff import Backoff

_PAGE_ITEMS = 100
_RETRY_STATUSES = (429, 503, 504)
_BACKOFF = Backoff(initial_s=0.2, max_s=2.0)
_MAX_ERROR_BYTES = 64 * 1024
_MAX_MESSAGE_CHARACTERS = 500

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class PromptApi:
    """One method an endpoint.

    Reads are tried twice when the server is busy (429, 503, 504) or the connection fails, within the deadline; writes
    once, as a repeated one could make a second version.

    Every method raises the errors of ``langfuse_otel.errors``: by status, or ConnectionFailedError, TimedOutError, or
    MalformedResponseError for an answer that is not what the API promises.

    Args:
        http: To the project.
        backoff: How long to pause before a read is tried again.
        clock: What deadlines are measured with.
        spans: Makes a span of each request; None: there are none.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        backoff: Backoff = _BACKOFF,
        clock: Clock = SYSTEM_CLOCK,
        spans: RequestSpans | None = None,
    ) -> None:
        self._http = http
        self._backoff = backoff
        self._clock = clock
        self._spans = spans

    @property
    def scope(self) -> str:
        """Which prompts these are: the server's address and the project's public key."""
        return scope_of(self._http.base_url, self._http.public_key)

    def get(self, selector: Selector, *, deadline_s: float, retry: bool = True, raw: bool = False) -> Prompt:
        """One version of a prompt, with the prompts that it includes in place, by the server or else here.

        Args:
            selector: Which.
            deadline_s: Longest that this may take in all, seconds.
            retry: Whether a read that failed is tried once more.
            raw: As its author wrote it: what it includes stays a tag.
        """
        deadline = self._clock.monotonic() + deadline_s
        prompt = self._get(selector, deadline, retry, raw)
        return prompt if raw else resolve(prompt, lambda included: self._get(included, deadline, retry))

    def _get(self, selector: Selector, deadline: float, retry: bool, raw: bool = False) -> Prompt:
        query = {"version": str(selector.version)} if selector.label is None else {"label": selector.label}
        if raw:
            query["resolve"] = "false"
        request = Request("GET", ONE, selector.name, selector.version, query)
        prompt = _decoded(self._read(request, deadline, retry=retry), decode_body)
        if prompt.name != selector.name or selector.version not in (None, prompt.version):
            raise MalformedResponseError(f"asked for {selector}, the server sent {prompt.name!r} {prompt.version}")
        return dataclasses.replace(prompt, label=selector.label)

    def pages(
        self, *, name: str | None = None, label: str | None = None, tag: str | None = None, deadline_s: float
    ) -> Iterator[tuple[PromptSummary, ...]]:
        """All prompts of the project that match, sorted by name, 100 at a time; ``deadline_s`` is for each page."""
        given = {"name": name, "label": label, "tag": tag, "limit": str(_PAGE_ITEMS)}
        query = {key: value for key, value in given.items() if value is not None}
        number = 1
        while True:
            deadline = self._clock.monotonic() + deadline_s
            request = Request("GET", ALL, name, query={**query, "page": str(number)})
            page = _decoded(self._read(request, deadline), _decode_list)
            yield page.items
            if number >= page.total_pages or not page.items:
                return
            number += 1

    def list(
        self, *, name: str | None = None, label: str | None = None, tag: str | None = None, deadline_s: float
    ) -> Iterator[PromptSummary]:
        """The same one by one."""
        for page in self.pages(name=name, label=label, tag=tag, deadline_s=deadline_s):
            yield from page

    def create(
        self,
        name: str,
        prompt: str | Sequence[ChatMessage | Placeholder],
        *,
        labels: Sequence[str] = (),
        tags: Sequence[str] | None = None,
        config: Any = None,
        commit_message: str | None = None,
    ) -> Prompt:
        """Add a version. Tags left out are those of the version before; given ones are set on all versions."""
        body: dict[str, Any] = {"name": name, "labels": [*labels], "config": {} if config is None else config}
        content = prompt if isinstance(prompt, str) else tuple(prompt)
        body |= {"type": "text" if isinstance(content, str) else "chat", "prompt": content_body(content)}
        if tags is not None:
            body["tags"] = [*tags]
        if commit_message is not None:
            body["commitMessage"] = commit_message
        return _decoded(self._write(Request("POST", ALL, name), body), decode_body)

    def update_labels(self, name: str, version: int, labels: Sequence[str]) -> Prompt:
        """Give labels to a version and take them from the others; it keeps those that it has."""
        request = Request("PATCH", VERSION, name, version)
        return _decoded(self._write(request, {"newLabels": [*labels]}), decode_body)

    def delete(self, name: str, *, version: int | None = None, label: str | None = None) -> None:
        """Remove a version, the versions that a label points at, or with neither all of the prompt."""
        given = {"version": None if version is None else str(version), "label": label}
        query = {key: value for key, value in given.items() if value is not None}
        _ok(self._send(Request("DELETE", ONE, name, version, query)))

    def _read(self, request: Request, deadline: float, *, retry: bool = True) -> Answer:
        attempt, attempts = 0, 2 if retry else 1
        while True:
            error: LangfuseError
            try:
                again = dataclasses.replace(request, resends=attempt)
                answer = self._send(again, timeout_s=deadline - self._clock.monotonic())
            except ConnectionFailedError as failed:
                error, retry_after_s = failed, None
            else:
                if answer.status not in _RETRY_STATUSES:
                    return _ok(answer)
                error, retry_after_s = _error(answer), answer.retry_after_s
            attempt += 1
            left_s = deadline - self._clock.monotonic()
            pause_s = self._backoff.pause_s(attempt - 1, retry_after_s=retry_after_s, left_s=left_s)
            if attempt == attempts or pause_s is None or not error.retryable:
                raise error
            time.sleep(pause_s)

    def _write(self, request: Request, body: Mapping[str, Any]) -> Answer:
        try:
            encoded = to_json(body)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequestError(f"the prompt cannot be written as JSON: {error}", status=400) from error
        return _ok(self._send(request, body=encoded, content_type="application/json"))

    def _send(self, request: Request, **how: Any) -> Answer:
        send = partial(self._http.send, request.method, request.path, query=request.query, **how)
        return send() if self._spans is None else self._spans.around(request, send)


class _SummaryBody(msgspec.Struct, rename="camel"):
    name: str
    type: PromptType | None = None
    versions: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    last_updated_at: str | None = None

    def model(self) -> PromptSummary:
        return PromptSummary(self.name, self.type, self.versions, self.labels, self.tags, self.last_updated_at)


class _Meta(msgspec.Struct, rename="camel"):
    total_pages: int


class _ListBody(msgspec.Struct):
    data: list[_SummaryBody]
    meta: _Meta

    def model(self) -> _Page:
        return _Page(tuple(item.model() for item in self.data), self.meta.total_pages)


_decode_list = msgspec.json.Decoder(_ListBody).decode


class _Page(NamedTuple):
    items: tuple[PromptSummary, ...]
    total_pages: int


class _Body(Protocol[T_co]):
    def model(self) -> T_co: ...


def _decoded(answer: Answer, decode: Callable[[bytes], _Body[T]]) -> T:
    try:
        return decode(answer.body).model()
    except (ValueError, RecursionError) as error:  # msgspec's errors and broken UTF-8 are ValueErrors
        kind_of_body = answer.headers.get("content-type", "of no content type")[:100]
        message = f"the answer ({kind_of_body}, {len(answer.body)} bytes) is not what the API promises: {error}"
        raise MalformedResponseError(message, request_id=answer.request_id) from None


def _ok(answer: Answer) -> Answer:
    if not answer.ok:
        raise _error(answer)
    return answer


def _error(answer: Answer) -> LangfuseError:
    """The error for an answer's status, with the server's words; routes differ, so its body is read leniently."""
    try:
        # Redacted first: both the message and the details may be logged.
        body = msgspec.json.decode(redact(answer.body[:_MAX_ERROR_BYTES].decode()))
    except (ValueError, RecursionError):
        body = None
    said = (body.get("message") or body.get("error")) if isinstance(body, dict) else None
    message = f"HTTP {answer.status}"
    if isinstance(said, str):
        message += f": {' '.join(said.split())[:_MAX_MESSAGE_CHARACTERS]}"
    elif 300 <= answer.status < 400:
        message += ": redirects are not followed; set LANGFUSE_BASE_URL to the final address"
    return error_for_status(
        answer.status,
        message,
        request_id=answer.request_id,
        retry_after_s=answer.retry_after_s,
        details=body,
    )

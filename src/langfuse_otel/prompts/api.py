"""Langfuse's prompt endpoints: models in and out, nothing cached (langfuse-api.md, section 4)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Protocol, TypeVar
from urllib.parse import quote

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
from langfuse_otel.prompts.models import (
    ChatMessage,
    ChatPrompt,
    Placeholder,
    Prompt,
    PromptSummary,
    PromptType,
    Selector,
    TextPrompt,
)
from langfuse_otel.redact import redact
from langfuse_otel.resilience.backoff import Backoff

_PATH = "/api/public/v2/prompts"
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
    """

    def __init__(self, http: HttpClient, *, backoff: Backoff = _BACKOFF, clock: Clock = SYSTEM_CLOCK) -> None:
        self._http = http
        self._backoff = backoff
        self._clock = clock

    @property
    def scope(self) -> str:
        """Which prompts these are: the server's address and the project's public key."""
        return f"{self._http.base_url}|{self._http.public_key}"

    def get(self, selector: Selector, *, deadline_s: float, retry: bool = True) -> Prompt:
        """One version of a prompt, with the prompts that it includes resolved by the server."""
        query = {"version": str(selector.version)} if selector.label is None else {"label": selector.label}
        prompt = _decoded(self._read(_path(selector.name), query, deadline_s, retry=retry), _PromptBody)
        if prompt.name != selector.name or selector.version not in (None, prompt.version):
            raise MalformedResponseError(f"asked for {selector}, the server sent {prompt.name!r} {prompt.version}")
        return prompt

    def list(
        self, *, name: str | None = None, label: str | None = None, tag: str | None = None, deadline_s: float
    ) -> Iterator[PromptSummary]:
        """All prompts of the project that match, sorted by name; ``deadline_s`` is for each page of 100."""
        given = {"name": name, "label": label, "tag": tag, "limit": str(_PAGE_ITEMS)}
        query = {key: value for key, value in given.items() if value is not None}
        number = 1
        while True:
            page = _decoded(self._read(_PATH, {**query, "page": str(number)}, deadline_s), _ListBody)
            yield from page.items
            if number >= page.total_pages or not page.items:
                return
            number += 1

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
        if isinstance(prompt, str):
            body |= {"type": "text", "prompt": prompt}
        else:
            body |= {"type": "chat", "prompt": [_wire_part(part) for part in prompt]}
        if tags is not None:
            body["tags"] = [*tags]
        if commit_message is not None:
            body["commitMessage"] = commit_message
        return _decoded(self._write("POST", _PATH, body), _PromptBody)

    def update_labels(self, name: str, version: int, labels: Sequence[str]) -> Prompt:
        """Give labels to a version and take them from the others; it keeps those that it has."""
        path = f"{_path(name)}/versions/{version}"
        return _decoded(self._write("PATCH", path, {"newLabels": [*labels]}), _PromptBody)

    def _read(self, path: str, query: Mapping[str, str], deadline_s: float, *, retry: bool = True) -> Answer:
        deadline = self._clock.monotonic() + deadline_s
        attempt, attempts = 0, 2 if retry else 1
        while True:
            error: LangfuseError
            try:
                answer = self._http.send("GET", path, query=query, timeout_s=deadline - self._clock.monotonic())
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

    def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        try:
            encoded = msgspec.json.encode(body)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequestError(f"the prompt cannot be written as JSON: {error}", status=400) from error
        return _ok(self._http.send(method, path, body=encoded, content_type="application/json"))


class _Part(msgspec.Struct):
    """A chat message or placeholder; ``type`` may be missing, ``message`` or ``chatmessage``."""

    type: str | None = None
    name: str | None = None
    role: str | None = None
    content: str | None = None

    def model(self) -> ChatMessage | Placeholder:
        if self.type == "placeholder" and self.name is not None:
            return Placeholder(self.name)
        if self.role is None or self.content is None:
            raise ValueError("a chat message without role or content")
        return ChatMessage(self.role, self.content)


class _PromptBody(msgspec.Struct, rename="camel"):
    name: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    prompt: str | list[_Part]
    type: str | None = None
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    config: msgspec.Raw = msgspec.Raw(b"{}")
    commit_message: str | None = None

    def model(self) -> Prompt:
        msgspec.json.decode(self.config)  # now rather than when the application asks for it
        common: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "labels": self.labels,
            "tags": self.tags,
            "config_json": bytes(self.config),
            "commit_message": self.commit_message,
        }
        if (self.type or "text") != ("text" if isinstance(self.prompt, str) else "chat"):
            raise ValueError(f"a prompt of type {self.type!r} that is none")
        if isinstance(self.prompt, str):
            return TextPrompt(prompt=self.prompt, **common)
        return ChatPrompt(prompt=tuple(part.model() for part in self.prompt), **common)


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


class _Page(NamedTuple):
    items: tuple[PromptSummary, ...]
    total_pages: int


class _Body(Protocol[T_co]):
    def model(self) -> T_co: ...


def _decoded(answer: Answer, kind: type[_Body[T]]) -> T:
    try:
        body: _Body[T] = msgspec.json.decode(answer.body, type=kind)
        return body.model()
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


def _path(name: str) -> str:
    return f"{_PATH}/{quote(name, safe='')}"


def _wire_part(part: ChatMessage | Placeholder) -> dict[str, str]:
    if isinstance(part, Placeholder):
        return {"type": "placeholder", "name": part.name}
    return {"role": part.role, "content": part.content}

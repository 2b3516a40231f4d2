"""Receives Langfuse's prompt webhook, and has the prompt renewed in all processes.

Set it up in Langfuse (Prompts, Automations) for all actions, and serve one of the two at its URL::

    app.mount("/hooks/langfuse", PromptWebhook(langfuse_otel.prompts(), secret="lf-whsec_…").asgi)

The processes hear of the change from each other where they share a store; without one, only the process that received
it does. The rules are Langfuse's (https://langfuse.com/docs/prompt-management/features/webhooks-slack-integrations):
``x-langfuse-signature: t=<seconds>,v1=<hex>``, where the hex is HMAC-SHA256 of ``<seconds>.<body>``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Protocol, TypeAlias

import msgspec

from langfuse_otel import log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_AGE_S = 300.0
"""A signature that is older, or from further in the future, is refused: somebody may be repeating it."""

_HEADER = "x-langfuse-signature"
_SIGNATURE = re.compile(r"t=(\d{1,12}),\s*(?:v1|s)=([0-9a-fA-F]{64})")
_STATUS = {
    200: "200 OK",
    400: "400 Bad Request",
    401: "401 Unauthorized",
    405: "405 Method Not Allowed",
    413: "413 Content Too Large",
}

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]


class _Prompts(Protocol):
    def renew(self, name: str) -> None: ...


class _Prompt(msgspec.Struct):
    name: str


class _Event(msgspec.Struct):
    type: str
    prompt: _Prompt | None = None


_decode = msgspec.json.Decoder(_Event).decode


class PromptWebhook:
    """The receiver; ``wsgi`` and ``asgi`` are applications.

    Answers 200 when the event was taken, or concerns no prompt; else 405, 413, 401 (no valid signature) or 400, and
    changes nothing. The body's content is not used but for the prompt's name.

    Args:
        prompts: Whose prompts are renewed: the ``Prompts`` of the project.
        secret: The webhook's signing secret (``lf-whsec_…``), as shown when it was made.
        clock: Where the time of day comes from.
    """

    def __init__(self, prompts: _Prompts, *, secret: str, clock: Clock = SYSTEM_CLOCK) -> None:
        if not secret:
            raise ValueError("the webhook's signing secret is empty")
        self._prompts = prompts
        self._clock = clock
        self._is_signed = _verifier(secret)

    def receive(self, body: bytes, signature: str | None) -> int:
        """The HTTP status for a request: for frameworks that are neither WSGI nor ASGI."""
        found = _SIGNATURE.fullmatch((signature or "").strip())
        if found is None or not self._is_signed(found[1], body, found[2]):
            log.limited(logging.WARNING, "prompt-webhook", "a prompt webhook without valid signature was refused")
            return 401
        if abs(self._clock.wall() - int(found[1])) > MAX_AGE_S:
            message = "a prompt webhook was refused, as it was signed over %.0f s ago, or the clocks differ"
            log.limited(logging.WARNING, "prompt-webhook-age", message, MAX_AGE_S)
            return 401
        try:
            event = _decode(body)
        except (ValueError, RecursionError):
            return 400
        if event.type == "prompt-version" and event.prompt is not None:
            self._prompts.renew(event.prompt.name)
        return 200

    def wsgi(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The WSGI application."""
        status, body = 405, b""
        if environ["REQUEST_METHOD"] == "POST":
            size = environ.get("CONTENT_LENGTH") or "0"
            status = 413 if not size.isdecimal() or int(size) > MAX_BODY_BYTES else 0
        if not status:
            body = environ["wsgi.input"].read(int(size))
            status = self.receive(body, environ.get("HTTP_X_LANGFUSE_SIGNATURE"))
        start_response(_STATUS[status], [("Content-Length", "0")])
        return [b""]

    @property
    def asgi(self) -> Callable[[_Message, _Receive, _Send], Awaitable[None]]:
        """The ASGI application; a function, as uvicorn takes a bound method for one of ASGI 2."""

        async def application(scope: _Message, receive: _Receive, send: _Send) -> None:
            await self._answer(scope, receive, send)

        return application

    async def _answer(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            return
        status = 405
        if scope["method"] == "POST":
            body = await _body(receive)
            signatures = [value for name, value in scope["headers"] if name.lower() == _HEADER.encode()]
            signature = signatures[0].decode("latin-1") if signatures else None
            # On a thread: telling the other processes takes a round trip to the store.
            status = 413 if body is None else await asyncio.to_thread(self.receive, body, signature)
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


def _verifier(secret: str) -> Callable[[str, bytes, str], bool]:
    """A closure, so that ``vars`` and pickles do not show the secret."""
    keyed = hmac.new(secret.encode(), digestmod=hashlib.sha256)

    def is_signed(timestamp: str, body: bytes, signature: str) -> bool:
        expected = keyed.copy()
        expected.update(f"{timestamp}.".encode() + body)
        return hmac.compare_digest(expected.hexdigest(), signature.lower())

    return is_signed


async def _body(receive: _Receive) -> bytes | None:
    """The request's body; None when it is over the limit."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(body)

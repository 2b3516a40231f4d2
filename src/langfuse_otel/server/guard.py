"""Who may ask: only this machine, and the API only with the project's keys."""

from __future__ import annotations

import base64
import binascii
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from langfuse_otel.server.project import Project

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_OPEN = frozenset({"/api/public/health", "/api/public/ready"})
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware: refuses what comes from elsewhere, asks the API's callers for keys, hardens every answer.

    A web page from elsewhere could make this machine's browser ask a loopback server, by a name that resolves to
    127.0.0.1; hence the checks of ``Host`` and ``Origin``.

    Args:
        app: What is guarded.
        project: Whose keys open the API.
    """

    def __init__(self, app: ASGIApp, project: Project) -> None:
        self._app = app
        self._project = project

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope["path"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, send_hardened)

    def _refusal(self, path: str, headers: Headers) -> JSONResponse | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if _name(f"//{host}") not in _LOOPBACK or (origin is not None and origin != f"http://{host}"):
            message = "This server answers to programs and pages of this machine only"
            return JSONResponse({"message": message, "error": "ForbiddenError"}, 403)
        if path.startswith("/api/") and path not in _OPEN:
            return self._missing_key(headers.get("authorization", ""))
        return None

    def _missing_key(self, authorization: str) -> JSONResponse | None:
        scheme, _, credentials = authorization.partition(" ")
        if not authorization:
            return JSONResponse({"message": "No authorization header"}, 401)
        if scheme.lower() != "basic":
            return JSONResponse({"message": "Access denied - need to use basic auth with secret key"}, 403)
        try:
            _, _, secret_key = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return JSONResponse({"message": "Invalid authorization header"}, 401)
        # Langfuse looks a key up by its secret; a public key that does not fit is let pass there as well.
        if not hmac.compare_digest(secret_key.encode(), self._project.secret_key.encode()):
            return JSONResponse(
                {"message": "Invalid credentials. Confirm that you've configured the correct host."}, 401
            )
        return None


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None

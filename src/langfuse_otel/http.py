"""The one way to Langfuse's server: bytes in, ``Answer`` out.

Knows the keys, the address, TLS and time; knows nothing of endpoints. Every status is an answer; only the absence of a
usable one raises. Requests are never retried and redirects never followed here, so no key can reach another host.
"""

from __future__ import annotations

import base64
import http.client
import logging
import math
import platform
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from urllib3.exceptions import NewConnectionError

from langfuse_otel import fork, log
from langfuse_otel.clock import SYSTEM_CLOCK
from langfuse_otel.errors import ConnectionFailedError, LangfuseError, MalformedResponseError, TimedOutError
from langfuse_otel.http_deadline import DeadlineAdapter
from langfuse_otel.settings import Settings

MAX_ANSWER_BYTES = 10 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_REQUEST_ID_HEADERS = ("x-request-id", "cf-ray")

try:
    _VERSION = metadata.version("langfuse-otel")
except metadata.PackageNotFoundError:  # run from a source tree
    _VERSION = "0.0.0"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, whatever the status.

    Attributes:
        status: HTTP status; redirects (3xx) included, as they are not followed.
        body: Content, decompressed, at most 10 MiB.
        headers: Looked up in any case.
    """

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str | None:
        """The id under which the server or the proxy before it logged this request."""
        return next((self.headers[name] for name in _REQUEST_ID_HEADERS if name in self.headers), None)

    @property
    def retry_after_s(self) -> float | None:
        """Seconds that ``Retry-After`` asks to wait, from seconds or an HTTP date; a date in the past is 0.

        None without the header, and when it is negative, endless or junk.
        """
        return _retry_after_s(self.headers.get("retry-after", "").strip())


class HttpClient:
    """Sends requests to one Langfuse server with one project's keys; shared by threads, usable after a fork.

    Args:
        base_url: Scheme, host, and optionally port and path; paths are appended to it.
        public_key: Public key of the project.
        secret_key: Secret key. Kept out of ``repr`` and ``vars``.
        timeout_s: Longest duration of one request, from connect to the answer's last byte. Resolving the host's name is
            the operating system's and not counted; TCP and TLS handshake may each take this long.
        headers: More headers for every request. ``Authorization`` among them loses against the keys.
        certificate: PEM file of the CAs to trust; the system's by default. Proxies come from the usual variables; a
            ``.netrc`` never replaces the keys.
    """

    def __init__(
        self,
        base_url: str,
        public_key: str,
        secret_key: str,
        *,
        timeout_s: float = 5.0,
        headers: Mapping[str, str] | None = None,
        certificate: str | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.public_key = public_key
        self.timeout_s = timeout_s
        self._certificate = certificate
        self._sign = _signer(public_key, secret_key, headers or {})
        self.after_fork_child()
        self._warn_of_plain_text()
        fork.register(self)

    @classmethod
    def of(cls, settings: Settings) -> HttpClient:
        """One for the project of the settings, whose keys need not be there: without them, the server says so."""
        return cls(
            settings.base_url,
            settings.public_key or "",
            settings.secret_key or "",
            timeout_s=settings.timeout_s,
            headers=settings.headers,
            certificate=settings.certificate,
        )

    def __repr__(self) -> str:
        return f"HttpClient({self.base_url!r}, {self.public_key!r})"

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Send one request and read the whole answer. Never traced by HTTP instrumentations.

        Args:
            method: ``GET``, ``POST`` …
            path: Begins with ``/``; already percent-encoded.
            body: Content, already encoded as ``content_type`` and ``content_encoding`` say.
            content_type: Its media type.
            content_encoding: Its compression.
            query: Parameters, encoded here.
            headers: For this request only.
            timeout_s: Instead of the client's.

        Raises:
            ConnectionFailedError: There was no answer, or it broke off.
            TimedOutError: It was not complete in time.
            MalformedResponseError: It is not HTTP, wrongly compressed, or over 10 MiB.
        """
        sent = {**(headers or {}), "Content-Type": content_type, "Content-Encoding": content_encoding}
        return self._send(self._session, method, self.base_url + path, body, sent, query, timeout_s)

    def put(self, url: str, body: bytes, *, headers: Mapping[str, str], timeout_s: float | None = None) -> Answer:
        """Put bytes at any address, on the server's word: without the keys and without any header of the client's.

        Raises:
            The same as ``send``. The address's query, which signs it, is neither in messages nor in the log.
        """
        return self._send(self._bare_session, "PUT", url, body, headers, None, timeout_s)

    def _send(
        self,
        session: requests.Session,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, Any],
        query: Mapping[str, str] | None,
        timeout_s: float | None,
    ) -> Answer:
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        what = f"{method} {url.partition('?')[0]}"
        if timeout_s <= 0:
            raise TimedOutError(f"{what}: no time left to send it")
        started = time.monotonic()
        failure: LangfuseError | None = None
        try:
            with (
                suppress_http_instrumentation(),
                session.request(
                    method,
                    url,
                    params=query,
                    data=body,
                    headers=headers,
                    timeout=urllib3.Timeout(total=timeout_s),  # type: ignore[arg-type]  # the stubs know only floats
                    allow_redirects=False,
                    stream=True,
                    verify=self._certificate,
                ) as response,
            ):
                answer = Answer(response.status_code, _read(response), response.headers)
        except (*_FAILURES, RuntimeError) as error:  # gevent needs a thread to look up a name, and may get none
            failure = _translated(error, what, timeout_s)
        if failure is not None:  # raised out here, because the frames of the original's traceback hold our headers
            raise failure
        took_ms = (time.monotonic() - started) * 1000
        log.logger.debug("%s: %d, %d bytes, %.0f ms", what, answer.status, len(answer.body), took_ms)
        return answer

    def close(self) -> None:
        """Close the pooled connections. A later ``send`` opens new ones."""
        self._session.close()
        self._bare_session.close()

    def after_fork_child(self) -> None:
        """Leave the parent's connections to the parent: two processes on one socket would mix their answers."""
        self._session = _new_session(self._sign)
        self._session.headers.update(
            {
                # Not "python": newer servers treat the official SDK's spans specially (langfuse-api.md, section 1).
                "x-langfuse-sdk-name": "langfuse-otel",
                "x-langfuse-sdk-version": _VERSION,
            }
        )
        self._bare_session = _new_session(lambda request: request)

    def _warn_of_plain_text(self) -> None:
        parts = urlsplit(self.base_url)
        host = parts.hostname or ""
        if parts.scheme == "http" and host != "localhost" and not re.match(r"127\.|::1$", host):
            message = "the Langfuse keys and all traces go unencrypted to %s: use https"
            log.once(logging.WARNING, f"plain-http:{host}", message, host)


def _new_session(auth: Callable[[requests.PreparedRequest], requests.PreparedRequest]) -> requests.Session:
    session = requests.Session()
    session.auth = auth  # set, and so requests does not look for a .netrc
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.headers.update(
        {
            "User-Agent": f"langfuse-otel/{_VERSION} python/{platform.python_version()}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
    )
    adapter = DeadlineAdapter()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _signer(
    public_key: str, secret_key: str, headers: Mapping[str, str]
) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Adds what must stay secret, at the last moment. A closure, so that ``vars`` and pickles don't show it."""
    token = base64.b64encode(f"{public_key}:{secret_key}".encode()).decode("ascii")
    secrets = {**headers, "Authorization": f"Basic {token}"}

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.prepare_headers({**request.headers, **{name.lower(): value for name, value in secrets.items()}})
        return request

    return sign


def _read(response: requests.Response) -> bytes:
    """The whole body, inflated, and never more than the limit in memory."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", "deflate", ""):
        raise MalformedResponseError(f"the answer is compressed as {encoding[:40]!r}, which was not asked for")
    inflater = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32) if encoding not in ("identity", "") else None
    body = bytearray()
    for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
        room_bytes = MAX_ANSWER_BYTES + 1 - len(body)
        try:
            body += inflater.decompress(chunk, room_bytes) if inflater else chunk
        except zlib.error as error:
            raise MalformedResponseError(f"the answer's compression is broken: {error}") from None
        if len(body) > MAX_ANSWER_BYTES:
            raise MalformedResponseError(f"the answer is over the limit of {MAX_ANSWER_BYTES} bytes")
    if inflater and body and not inflater.eof:
        raise ConnectionFailedError("the answer broke off within its compressed body")
    return bytes(body)


def _translated(error: Exception, what: str, timeout_s: float) -> LangfuseError:
    """Our error for one of requests', urllib3's or the operating system's; its cause is the innermost of them."""
    chain = list(_chain(error))
    root = chain[-1].with_traceback(None)
    failure: LangfuseError
    # To urllib3, a refused connection is a kind of timeout.
    if any(isinstance(e, _TOOK_TOO_LONG) and not isinstance(e, NewConnectionError) for e in chain):
        failure = TimedOutError(f"{what}: no complete answer within {timeout_s:g} s")
    elif isinstance(root, http.client.HTTPException) and not isinstance(root, _BROKE_OFF):
        failure = MalformedResponseError(f"{what}: the answer is not HTTP ({type(root).__name__})")
    else:
        # A URL or header that cannot be sent is refused as a ValueError: no sense in trying again.
        failure = ConnectionFailedError(f"{what}: {root}", retryable=not isinstance(error, ValueError))
    failure.__cause__ = root
    return failure


_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError)
_TOOK_TOO_LONG = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_BROKE_OFF = (http.client.RemoteDisconnected, http.client.IncompleteRead)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those underneath; urllib3 and requests keep them in three different places."""
    inner: BaseException | None = error
    while inner is not None:
        yield inner
        held = (getattr(inner, "reason", None), *inner.args)
        inner = next((e for e in held if isinstance(e, BaseException)), inner.__cause__)


def _retry_after_s(text: str) -> float | None:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        seconds = float(text)
        return seconds if math.isfinite(seconds) else None
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - SYSTEM_CLOCK.wall())
    except (TypeError, ValueError, OverflowError):
        return None

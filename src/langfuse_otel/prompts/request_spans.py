"""A span for each request to Langfuse's prompt endpoints, by OpenTelemetry's conventions for HTTP clients
(https://opentelemetry.io/docs/specs/semconv/http/http-spans).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode, urlsplit

from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider
from opentelemetry.util.types import AttributeValue

from langfuse_otel import log
from langfuse_otel.errors import LangfuseError
from langfuse_otel.http import Answer
from langfuse_otel.prompts import caller
from langfuse_otel.prompts.request import Request

SCOPE: Final = "langfuse_otel.prompts"
# Not ``langfuse.prompt.name``: that is a link, and Langfuse would count each read as a use of the prompt.
NAME: Final = "langfuse.prompt.request.name"
VERSION: Final = "langfuse.prompt.request.version"
LABEL: Final = "langfuse.prompt.request.label"

_PORTS = {"http": 80, "https": 443}


class RequestSpans:
    """Makes them. Whose children they are, ``caller`` says.

    Args:
        base_url: The server's; what stands before an ``@`` in it is a password, and is left out.
        tracer_provider: The global one by default, also when that is set later.
    """

    def __init__(self, base_url: str, *, tracer_provider: TracerProvider | None = None) -> None:
        parts = urlsplit(base_url)
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=tracer_provider)
        self._origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._folder = parts.path.rstrip("/")
        self._server: dict[str, AttributeValue] = {
            "server.address": parts.hostname or "",
            "server.port": parts.port or _PORTS.get(parts.scheme, 0),
        }

    def around(self, request: Request, send: Callable[[], Answer]) -> Answer:
        """Send a request within its span. Returns and raises what ``send`` does, and nothing else."""
        if not is_http_instrumentation_enabled():
            return send()
        span = self._start(request)
        try:
            answer = send()
        except Exception as error:
            _fail(span, error.code if isinstance(error, LangfuseError) else type(error).__qualname__)
            raise
        else:
            span.set_attribute("http.response.status_code", answer.status)
            # A prompt that does not exist is an answer, which a fallback or another label was given for.
            if answer.status >= 400 and (request.method, answer.status) != ("GET", 404):
                _fail(span, str(answer.status))
            return answer
        finally:
            try:
                span.end()
            except Exception as error:
                _not_traced(error)

    def _start(self, request: Request) -> Span:
        template = self._folder + request.template
        try:
            return self._tracer.start_span(
                f"{request.method} {template}",
                kind=SpanKind.CLIENT,
                links=caller.links(),
                attributes=self._attributes(request, template),
            )
        except Exception as error:
            _not_traced(error)
            return trace.INVALID_SPAN

    def _attributes(self, request: Request, template: str) -> dict[str, AttributeValue]:
        query = f"?{urlencode(request.query)}" if request.query else ""
        said: dict[str, AttributeValue | None] = {
            "http.request.method": request.method,
            "http.request.resend_count": request.resends or None,
            "url.full": f"{self._origin}{self._folder}{request.path}{query}",
            "url.template": template,
            NAME: request.name,
            VERSION: request.version,
            LABEL: request.query.get("label"),
        }
        return {**self._server, **{key: value for key, value in said.items() if value is not None}}


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)


def _not_traced(error: Exception) -> None:
    """The sampler or a processor of the application's failed, which is no reason to serve no prompt."""
    kind = type(error).__name__
    message = "a request for a prompt is not traced: %s: %s"
    log.limited(logging.WARNING, f"prompt-request-span:{kind}", message, kind, error)

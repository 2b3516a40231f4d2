"""The server: does it answer, does it know the keys, does it take OTLP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from langfuse_otel.cli.doctor.finding import Finding, fault, note, ok
from langfuse_otel.errors import LangfuseError, SettingsError
from langfuse_otel.http import Answer, HttpClient
from langfuse_otel.settings import Settings, load
from langfuse_otel.transport.endpoint import Endpoint
from langfuse_otel.transport.ingestion import judge_ingestion
from langfuse_otel.transport.otlp import judge_otlp
from langfuse_otel.transport.outcome import Accepted, NotServed, Outcome
from langfuse_otel.wire.ingestion import IngestionWire
from langfuse_otel.wire.otlp import OtlpWire

# Paths and answers: langfuse-api.md, section 5.1.
_HEALTH = "/api/public/health"
_PROJECTS = "/api/public/projects"


def check(env: Mapping[str, str]) -> Iterator[Finding]:
    """Reach, then authentication, then wire: each makes sense only after the one before."""
    try:
        settings = load(env)
    except SettingsError:
        yield note("server", "not asked, because a setting is malformed")
        return
    client = HttpClient.of(settings)
    try:
        yield from _ask(client, settings)
    except LangfuseError as error:
        yield fault("reach", str(error), _fix_of_address(settings))
    finally:
        client.close()


def _ask(client: HttpClient, settings: Settings) -> Iterator[Finding]:
    health = client.send("GET", _HEALTH)
    status = _json(health).get("status")
    if not health.ok or not isinstance(status, str):
        yield fault("reach", f"{settings.base_url} {_said(health)}: not a Langfuse", _fix_of_address(settings))
        return
    yield ok("reach", f"{settings.base_url} is Langfuse {_json(health).get('version', 'of unknown version')}: {status}")
    try:
        settings.require_keys()
    except SettingsError:
        yield note("auth", "not asked, because there is no pair of keys")
        return
    projects = client.send("GET", _PROJECTS)
    if not projects.ok:
        yield fault(
            "auth",
            f"{_PROJECTS} {_said(projects)}",
            f"Check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, and that {settings.base_url} is where they were made: "
            "each cloud region and each server has keys of its own",
        )
        return
    yield ok("auth", f"the keys belong to project {_names(projects)}")
    yield from _wire(client, settings)


def _wire(client: HttpClient, settings: Settings) -> Iterator[Finding]:
    """Sends nothing but an empty request, by the code that sends spans."""
    if settings.wire != "ingestion":
        compress = settings.compression == "gzip"
        outcome = Endpoint(client, OtlpWire(), judge_otlp, compress=compress).send((), settings.timeout_s)
        if isinstance(outcome, Accepted):
            yield ok("wire", "otlp: an empty export was taken")
            return
        if settings.wire == "otlp" or not isinstance(outcome, NotServed):
            fix = "Set OTEL_EXPORTER_LANGFUSE_WIRE=auto, or see what stands between here and Langfuse"
            yield fault("wire", f"otlp: {_reason(outcome)}", fix)
            return
    outcome = Endpoint(client, IngestionWire(), judge_ingestion, compress=False).send((), settings.timeout_s)
    why = "as set" if settings.wire == "ingestion" else "chosen, because the server has no OTLP"
    if isinstance(outcome, Accepted):
        yield ok("wire", f"ingestion ({why}): an empty batch was taken")
    else:
        yield fault("wire", f"ingestion ({why}): {_reason(outcome)}", "Set OTEL_EXPORTER_LANGFUSE_WIRE=auto")


def _reason(outcome: Outcome) -> str:
    return str(getattr(outcome, "reason", type(outcome).__name__))


def _said(answer: Answer) -> str:
    location = answer.headers.get("location", "").partition("?")[0]
    message = _json(answer).get("message")
    said = f": {message[:200]}" if isinstance(message, str) else f" and redirects to {location}" if location else ""
    return f"answers {answer.status}{said}"


def _json(answer: Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _names(projects: Answer) -> str:
    data = _json(projects).get("data")
    found = (
        [str(project.get("name")) for project in data if isinstance(project, dict)] if isinstance(data, list) else []
    )
    return ", ".join(found) or "(unnamed)"


def _fix_of_address(settings: Settings) -> str:
    path = urlsplit(settings.base_url).path
    shown = f"{settings.base_url}, perhaps without {path}" if path else settings.base_url
    return f"Check LANGFUSE_BASE_URL ({shown}), the network and the proxy; for a local one start `langfuse-otel server`"

"""The proof: a child under auto-instrumentation makes a span, and it arrives, or we say why not.

OpenTelemetry logs and swallows what goes wrong in its set-up, and the application runs on untraced; reading variables
and entry points cannot find that. The child's address is that of a listener on loopback, so nothing reaches Langfuse.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from langfuse_otel.cli.doctor.finding import Finding, Outcome, fault, note, ok
from langfuse_otel.cli.doctor.listener import listening
from langfuse_otel.cli.doctor.probe import SPAN_NAME
from langfuse_otel.cli.run import instrumented, with_auto_instrumentation
from langfuse_otel.configure import SEE_DOCTOR
from langfuse_otel.environment_variables import (
    CONFIG_FILE,
    CONFIGURATOR,
    DISABLED_INSTRUMENTATIONS,
    DISTRO,
    EXPORTERS,
    SDK_DISABLED,
    SELECTORS,
    TRACES_EXPORTER,
)
from langfuse_otel.errors import SettingsError
from langfuse_otel.settings import load

_PROBE = "langfuse_otel.cli.doctor.probe"
_CHILD_TIMEOUT_S = 60.0
_MAX_LINES = 5
_MAX_CHARACTERS = 500
_RUN = "langfuse-otel run"
_INSTRUMENT = "opentelemetry-instrument"


@dataclass(frozen=True, slots=True)
class _Child:
    """What became of the child: its own report, what it wrote to standard error, whether its span arrived."""

    report: Mapping[str, Any] | None
    errors: str
    arrived: bool


def check(env: Mapping[str, str]) -> Iterator[Finding]:
    """One child as ``langfuse-otel run`` starts it, one as plain ``opentelemetry-instrument`` would."""
    why = _turned_off(env)
    if why:
        yield note("set-up", f"not tried, because {why}")
        return
    child = _tried(instrumented(env))
    yield _judged(_RUN, child, env)
    yield from _logged(_RUN, child)
    child = _tried(with_auto_instrumentation(env))
    meant = any(env.get(variable) for variable in (*SELECTORS, *EXPORTERS))
    for finding in (_judged(_INSTRUMENT, child, env), *_logged(_INSTRUMENT, child)):
        if finding.outcome is Outcome.FAULT and not meant:  # nothing says that this way is to be used
            yield note(finding.name, finding.detail, finding.fix)
        else:
            yield finding


def _turned_off(env: Mapping[str, str]) -> str:
    try:
        settings = load(env)
    except SettingsError:
        return "a setting is malformed"
    if not settings.tracing_enabled:
        return "LANGFUSE_TRACING_ENABLED turns tracing off"
    if settings.sample_rate == 0:
        return "LANGFUSE_SAMPLE_RATE is 0"
    if env.get(SDK_DISABLED, "").strip().lower() == "true":
        return f"{SDK_DISABLED} is true"
    return ""


def _tried(env: Mapping[str, str]) -> _Child:
    with listening() as listener:
        child_env = {
            **env,
            "LANGFUSE_BASE_URL": listener.url,
            "LANGFUSE_PUBLIC_KEY": "pk-lf-doctor",
            "LANGFUSE_SECRET_KEY": "sk-lf-doctor",
            "LANGFUSE_OTEL_COMPRESSION": "none",  # so that the span's name can be found in what arrives
            "LANGFUSE_SAMPLE_RATE": "1",
            "LANGFUSE_TIMEOUT": "5",
            "OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT": "5",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        try:
            child = subprocess.run(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", _PROBE], env=child_env, capture_output=True, text=True, timeout=_CHILD_TIMEOUT_S
            )
        except subprocess.TimeoutExpired:
            return _Child(None, f"the child did not end within {_CHILD_TIMEOUT_S:.0f} s", False)
        arrived = any(SPAN_NAME.encode() in body for body in listener.posted)
    return _Child(_last_json(child.stdout), child.stderr, arrived)


def _last_json(output: str) -> Mapping[str, Any] | None:
    """The probe's line; others may print before it."""
    for line in reversed(output.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return None


def _judged(way: str, child: _Child, env: Mapping[str, str]) -> Finding:
    if child.report is None:
        fix = f"Run it yourself to see all: {way} python -m {_PROBE}"
        said = _telling(child.errors) or _lines(child.errors) or ["it said nothing"]
        return fault(way, f"a child could not be started so: {said[-1]}", fix)
    provider, exporters = child.report["provider"], child.report["exporters"]
    shown = "/".join(str(exporters[variable] or "unset") for variable in EXPORTERS)
    cause = "".join(_telling(child.errors)[-1:])
    if child.arrived:
        libraries = ", ".join(child.report["instrumented"]) or "none"
        return ok(way, f"a child's span arrived; {provider}, exporters {shown}, libraries instrumented: {libraries}")
    if provider != "TracerProvider":
        why = cause or "no configurator was found"
        return fault(way, f"OpenTelemetry was not set up ({provider}): {why}", _fix(way, env, cause))
    if env.get(CONFIG_FILE, "").strip():
        return ok(way, f"{provider}, set up by {CONFIG_FILE}; whether its spans arrive was not tried")
    if "langfuse" not in exporters[TRACES_EXPORTER]:
        return fault(way, f"{provider}, but traces go to {shown.split('/')[0]}", _fix(way, env, cause))
    if not child.report["recording"]:
        fix = "Unset OTEL_TRACES_SAMPLER to have every trace"
        return note(way, f"{provider}, exporters {shown}; its sampler left the child's span out", fix)
    why = cause or "nothing was logged"
    return fault(way, f"{provider}, exporters {shown}, but a span did not arrive: {why}", _fix(way, env, cause))


def _logged(way: str, child: _Child) -> Iterator[Finding]:
    """What OpenTelemetry and we logged during a set-up that works nevertheless, as without some library."""
    if not child.arrived:
        return  # the judgement has named it
    telling = _telling(child.errors)
    for line in telling[:_MAX_LINES]:
        fix = f"Mend what it names, or leave the library out: {DISABLED_INSTRUMENTATIONS}=<its name>"
        yield fault(way, f"during set-up: {line}", fix)
    for line in [line for line in _lines(child.errors) if line not in telling][:_MAX_LINES]:
        yield note(way, f"during set-up: {line}")


def _fix(way: str, env: Mapping[str, str], cause: str) -> str:
    """An exporter that is named has to be there; else look at what is set by hand, or at who won."""
    for variable, value in EXPORTERS.items():
        if f"opentelemetry_{variable.removeprefix('OTEL_').lower()}" in cause:  # as its entry points' group is called
            return f"Set {variable}={value}, or install that exporter"
    chosen = [f"{variable}={env[variable]}" for variable in (DISTRO, CONFIGURATOR, *EXPORTERS) if env.get(variable)]
    if way == _INSTRUMENT:
        return f"Start with `{_RUN}`, or set {' '.join(f'{name}={value}' for name, value in SELECTORS.items())}"
    if chosen:
        return f"Unset {', '.join(chosen)}, or mend what is named above"
    return "Mend what is named above; if it names nothing of yours, report it to us"


def _lines(errors: str) -> list[str]:
    """The lines of a log, without the frames of its tracebacks and without sending the reader of ``doctor`` to it."""
    lines = [line for line in errors.splitlines() if line.strip() and not line.startswith((" ", "Traceback", "During"))]
    return [line.replace(SEE_DOCTOR, "").strip()[:_MAX_CHARACTERS] for line in lines]


def _telling(errors: str) -> list[str]:
    """Those that name an error."""
    return [line for line in _lines(errors) if "Error" in line or "failed" in line or "could not" in line]

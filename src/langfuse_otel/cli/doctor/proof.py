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
from langfuse_otel.environment_variables import (
    CONFIG_FILE,
    CONFIGURATOR,
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
    yield _judged(_RUN, _tried(instrumented(env)), env)
    plain = _judged(_INSTRUMENT, _tried(with_auto_instrumentation(env)), env)
    if plain.outcome is Outcome.FAULT and not any(env.get(variable) for variable in (*SELECTORS, *EXPORTERS)):
        # Nothing says that this way is meant to be used.
        plain = note(plain.name, plain.detail, plain.fix)
    yield plain


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
            "NO_PROXY": "127.0.0.1",
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
        return fault(way, f"a child could not be started so: {_cause(child.errors)}", fix)
    provider, exporters = child.report["provider"], child.report["exporters"]
    shown = "/".join(str(exporters[variable] or "unset") for variable in EXPORTERS)
    libraries = ", ".join(child.report["instrumented"]) or "none"
    if child.arrived:
        return ok(way, f"a child's span arrived; {provider}, exporters {shown}, libraries instrumented: {libraries}")
    select = f"Start with `{_RUN}`, or set {' '.join(f'{name}={value}' for name, value in SELECTORS.items())}"
    if provider != "TracerProvider":
        cause = _cause(child.errors) or "no configurator was found"
        return fault(way, f"OpenTelemetry was not set up ({provider}): {cause}", _fix(way, env, select))
    if env.get(CONFIG_FILE, "").strip():
        return ok(way, f"{provider}, set up by {CONFIG_FILE}; whether its spans arrive was not tried")
    if "langfuse" not in exporters[TRACES_EXPORTER]:
        return fault(way, f"{provider}, but traces go to {shown.split('/')[0]}", _fix(way, env, select))
    cause = _cause(child.errors) or "nothing was logged; a sampler (OTEL_TRACES_SAMPLER) may leave it out"
    return fault(way, f"{provider}, exporters {shown}, but a span did not arrive: {cause}", _fix(way, env, select))


def _fix(way: str, env: Mapping[str, str], select: str) -> str:
    """What is set by hand is the likelier cause; the selectors help where another distro won."""
    chosen = [f"{variable}={env[variable]}" for variable in (DISTRO, CONFIGURATOR, *EXPORTERS) if env.get(variable)]
    if chosen and way == _RUN:
        return f"Unset {', '.join(chosen)}, or mend what is named above"
    return select if way == _INSTRUMENT else "Mend what is named above; if it names nothing of yours, report it to us"


def _cause(errors: str) -> str:
    """The line of a log or traceback that tells most: the last that names an error, else the last."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    telling = [line for line in lines if "Error" in line or "could not" in line]
    return (telling or lines or [""])[-1][:500]

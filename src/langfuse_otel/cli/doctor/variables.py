"""OpenTelemetry's own variables: those that name what is not installed, and those that leave out or cut spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points

from langfuse_otel.cli.doctor.finding import Finding, fault, note, ok
from langfuse_otel.environment_variables import (
    CONFIG_FILE,
    EXPORTERS,
    LOGS_EXPORTER,
    METRICS_EXPORTER,
    TRACES_EXPORTER,
    listed,
)

_SIGNALS = {TRACES_EXPORTER: "traces", METRICS_EXPORTER: "metrics", LOGS_EXPORTER: "logs"}
_NOWHERE = {"none", "console"}  # names that the SDK knows without an entry point
_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
_OTLP = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_PROPAGATORS = "OTEL_PROPAGATORS"
_SAMPLER = "OTEL_TRACES_SAMPLER"
_LIMITS = (
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
)


def check(env: Mapping[str, str]) -> Iterator[Finding]:
    """Exporters, propagators, sampler, limits; of the last three only what is set."""
    if not env.get(CONFIG_FILE, "").strip():  # a declarative file decides alone
        yield from _exporters(env)
        yield from _sampler(env)
        yield from _limits(env)
    yield from _propagators(env)


def _exporters(env: Mapping[str, str]) -> Iterator[Finding]:
    for variable, signal in _SIGNALS.items():
        names = listed(env, variable)
        if not names:
            yield ok(variable, f"unset; `langfuse-otel run` sets it to {EXPORTERS[variable]}")
            continue
        known = _installed(f"opentelemetry_{signal}_exporter") | _NOWHERE
        missing = [name for name in names if _meant(name, signal, env) not in known]
        if missing:
            problem = f"names {', '.join(missing)}, which is not installed: OpenTelemetry's whole set-up fails on it"
            fix = f"Set {variable}={EXPORTERS[variable]}, or install that exporter"
            if "otlp" in missing:
                fix += f". `otlp` stands for {_meant('otlp', signal, env)}; {_PROTOCOL} chooses: {' or '.join(_OTLP)}"
            yield fault(variable, problem, fix)
        elif variable == TRACES_EXPORTER and "langfuse" not in names:
            fix = f"Set {variable}={','.join([*names, 'langfuse'])}"
            yield note(
                variable, f"{', '.join(names)}: traces of `run` and opentelemetry-instrument do not reach us", fix
            )
        else:
            yield ok(variable, ", ".join(names))


def _meant(name: str, signal: str, env: Mapping[str, str]) -> str:
    """The component that a name stands for: ``otlp`` is one of two, by the protocol, and gRPC by default."""
    if name != "otlp":
        return name
    protocol = env.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL") or env.get(_PROTOCOL) or "grpc"
    return _OTLP.get(protocol.strip(), protocol)


def _propagators(env: Mapping[str, str]) -> Iterator[Finding]:
    names = listed(env, _PROPAGATORS)
    missing = [name for name in names if name.lower() != "none" and name not in _installed("opentelemetry_propagator")]
    if missing:
        problem = f"names {', '.join(missing)}, which is not installed: OpenTelemetry cannot even be imported then"
        yield fault(_PROPAGATORS, problem, f"Unset {_PROPAGATORS}, or install that propagator")
    elif names:
        yield ok(_PROPAGATORS, ", ".join(names))


def _sampler(env: Mapping[str, str]) -> Iterator[Finding]:
    name = env.get(_SAMPLER, "").strip().lower()
    if not name:
        return
    fix = f"Unset {_SAMPLER} to have every trace"
    if name not in _installed("opentelemetry_traces_sampler"):
        yield note(_SAMPLER, f"{name} is not installed, so OpenTelemetry samples every trace", f"Unset {_SAMPLER}")
    elif name.endswith("always_off"):
        yield note(_SAMPLER, f"{name}: no trace reaches us", fix)
    elif name.endswith("always_on"):
        yield ok(_SAMPLER, name)
    else:
        share = env.get(f"{_SAMPLER}_ARG", "").strip()
        shown = f"{name} {share}" if share else name
        yield note(_SAMPLER, f"{shown}: only some of the traces reach us", fix)


def _limits(env: Mapping[str, str]) -> Iterator[Finding]:
    for variable in _LIMITS:
        limit = env.get(variable, "").strip()
        if limit:
            detail = f"{limit}: OpenTelemetry cuts attributes, prompts and answers among them, before they reach us"
            yield note(variable, detail, f"Unset {variable} to have them whole")


def _installed(group: str) -> set[str]:
    return {entry_point.name for entry_point in entry_points(group=group)}

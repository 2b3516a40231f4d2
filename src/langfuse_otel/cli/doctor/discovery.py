"""What OpenTelemetry finds: our entry points, the distro and the configurator that win."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points

from langfuse_otel.cli.doctor.finding import Finding, fault, note, ok
from langfuse_otel.environment_variables import CONFIGURATOR, DISTRO

_OURS = (
    "opentelemetry_traces_exporter",
    "opentelemetry_distro",
    "opentelemetry_configurator",
    "opentelemetry_pre_instrument",
    "opentelemetry_environment_variables",
)
_REINSTALL = "Install the package again: pip install --force-reinstall --no-deps langfuse-otel"


def check(env: Mapping[str, str]) -> Iterator[Finding]:
    """Entry points, then who wins."""
    yield from _entry_points()
    yield from _winner(env, "distro", "opentelemetry_distro", DISTRO)
    yield from _winner(env, "configurator", "opentelemetry_configurator", CONFIGURATOR)


def _entry_points() -> Iterator[Finding]:
    """One finding a cause: what keeps one from loading often keeps them all."""
    broken: dict[str, list[str]] = {}
    for group in _OURS:
        ours = [entry_point for entry_point in entry_points(group=group) if entry_point.name == "langfuse"]
        try:
            problem = "" if ours and ours[0].load() else "is not there"
        except Exception as error:  # whatever an import raises is the finding
            problem = f"does not load: {type(error).__name__}: {error}"
        if problem:
            broken.setdefault(problem, []).append(group)
    for problem, groups in broken.items():
        fix = f"Mend what it names, if that is yours. {_REINSTALL}"
        yield fault("entry points", f"`langfuse` of {', '.join(groups)} {problem}", fix)
    if not broken:
        yield ok("entry points", f"`langfuse` is in all {len(_OURS)} groups and loads")


def _winner(env: Mapping[str, str], kind: str, group: str, variable: str) -> Iterator[Finding]:
    """OpenTelemetry takes the one that its variable names, else the first that it finds (ecosystem.md, section 1)."""
    found = list(entry_points(group=group))
    names = [entry_point.name for entry_point in found]
    chosen = env.get(variable)
    select = f"Use `langfuse-otel run`, or set {variable}=langfuse"
    if not found:
        yield fault(kind, f"none is in group {group}", _REINSTALL)
    elif chosen is not None:
        if chosen not in names:
            yield fault(kind, f"{variable}={chosen!r}, but found are only {', '.join(names)}", select)
        elif chosen != "langfuse":
            yield note(kind, f"{chosen}, by {variable}", f"{select} unless that is intended")
        else:
            yield ok(kind, f"langfuse, by {variable}")
    elif names[:1] == ["langfuse"] and len(names) == 1:
        yield ok(kind, "langfuse, the only one installed")
    else:
        listed = ", ".join(f"{entry_point.name} ({_distribution(entry_point)})" for entry_point in found)
        yield note(
            kind,
            f"several are installed: {listed}; without {variable} OpenTelemetry takes the first, here {names[0]}",
            select,
        )


def _distribution(entry_point: EntryPoint) -> str:
    return entry_point.dist.name if entry_point.dist is not None else entry_point.value

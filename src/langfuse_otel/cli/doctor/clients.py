"""LLM clients: which are installed, which of them we instrument, who else would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, requires, version

from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

from langfuse_otel.cli.doctor.finding import Finding, fault, note, ok
from langfuse_otel.environment_variables import DISABLED_INSTRUMENTATIONS, listed

_GROUP = "opentelemetry_instrumentor"
_PREFIX = "langfuse_"


def check(env: Mapping[str, str]) -> Iterator[Finding]:
    """Our instrumentors, then clients without one, then foreign instrumentors for the same clients."""
    everyone = list(entry_points(group=_GROUP))
    ours = [entry_point for entry_point in everyone if entry_point.name.startswith(_PREFIX)]
    disabled = listed(env, DISABLED_INSTRUMENTATIONS)
    for entry_point in ours:
        yield _instrumentor(entry_point, disabled)
    clients = {entry_point.name.removeprefix(_PREFIX) for entry_point in ours}
    yield from _without_instrumentor(clients)
    for entry_point in everyone:
        if entry_point not in ours and entry_point.name in clients:
            yield _foreign(entry_point, disabled)
    if not ours:
        fix = "pip install 'langfuse-otel[openai]', or keep the instrumentation that you have: its spans are understood"
        yield note("clients", "no instrumentation of ours is installed", fix)


def _instrumentor(entry_point: EntryPoint, disabled: list[str]) -> Finding:
    name = entry_point.name
    if name in disabled or "*" in disabled:
        return note(name, f"turned off by {DISABLED_INSTRUMENTATIONS}", "Take it out of that list to trace the client")
    try:
        wanted = list(entry_point.load()().instrumentation_dependencies())
        conflict = get_dependency_conflicts(wanted)
    except Exception as error:  # whatever it raises here it raises at start-up too
        fix = f"Mend what it names, or install its package again: {entry_point.value.partition(':')[0]}"
        return fault(name, f"does not load: {type(error).__name__}: {error}", fix)
    if conflict is None:
        return ok(name, f"instruments {', '.join(wanted)}")
    if conflict.found:
        return fault(
            name, f"wants {', '.join(wanted)}, installed is {conflict.found}", "Install a version in that range"
        )
    return note(name, f"has nothing to do: {', '.join(wanted)} is not installed")


def _without_instrumentor(instrumented: set[str]) -> Iterator[Finding]:
    """Our extras are named after the client that they instrument."""
    for requirement in requires("langfuse-otel") or []:
        package, _, marker = requirement.partition(";")
        client = package.strip().removeprefix("langfuse-otel-")
        if "extra" not in marker or client == package.strip() or client in instrumented:
            continue
        try:
            found = version(client)
        except PackageNotFoundError:
            continue
        fix = f"pip install 'langfuse-otel[{client}]'"
        yield note(client, f"{client} {found} is installed, its instrumentation is not", fix)


def _foreign(entry_point: EntryPoint, disabled: list[str]) -> Finding:
    """OpenTelemetry loads all of them, whatever their names."""
    package = entry_point.dist.name if entry_point.dist is not None else entry_point.value
    if entry_point.name in disabled or "*" in disabled:
        return ok(entry_point.name, f"{package} is turned off by {DISABLED_INSTRUMENTATIONS}")
    return note(
        entry_point.name,
        f"{package} instruments the same client; where it wraps first, ours steps aside and its spans are sent",
        f"For ours: {DISABLED_INSTRUMENTATIONS}={','.join([*disabled, entry_point.name])}",
    )

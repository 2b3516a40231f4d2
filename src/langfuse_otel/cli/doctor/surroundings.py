"""What around us decides whether OpenTelemetry starts: its declarative file, versions, ``sitecustomize``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path

from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

from langfuse_otel.cli.doctor.finding import Finding, fault, note, ok
from langfuse_otel.cli.run import auto_instrumentation_folder
from langfuse_otel.environment_variables import CONFIG_FILE


def check(env: Mapping[str, str]) -> Iterator[Finding]:
    """Declarative file, versions, ``sitecustomize``."""
    if env.get(CONFIG_FILE, "").strip():
        yield from _declarative_file(Path(env[CONFIG_FILE].strip()))
    yield from _versions()
    yield from _sitecustomize(env)


def _declarative_file(path: Path) -> Iterator[Finding]:
    if find_spec("opentelemetry.configuration") is None:
        fix = f"pip install opentelemetry-configuration, or unset {CONFIG_FILE}"
        yield fault(CONFIG_FILE, "is set, but opentelemetry-configuration is not installed", fix)
        return
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        yield fault(
            CONFIG_FILE, f"{path} cannot be read ({type(error).__name__})", f"Mend the path or unset {CONFIG_FILE}"
        )
        return
    if "langfuse" in text:
        yield ok(CONFIG_FILE, f"{path} decides alone; the exporter variables are ignored")
    else:
        fix = "Add under tracer_provider.processors: `- batch: {exporter: {langfuse: }}`"
        yield fault(CONFIG_FILE, f"{path} decides alone and does not name our exporter, langfuse", fix)


def _versions() -> Iterator[Finding]:
    """OpenTelemetry's packages pin each other exactly; an installer that was overruled leaves a mix that fails."""
    installed = {d.name: d for d in distributions() if d.name and d.name.startswith("opentelemetry-")}
    skewed = [
        f"{distribution.name} {distribution.version} wants {wanted}, installed is {conflict.found}"
        for distribution in installed.values()
        for wanted in _wanted(distribution)
        if (conflict := get_dependency_conflicts([wanted])) is not None and conflict.found
    ]
    if skewed:
        fix = f"Upgrade them together: pip install --upgrade {' '.join(sorted(installed))}"
        yield fault("versions", "; ".join(skewed), fix)
    else:
        core = ("opentelemetry-api", "opentelemetry-sdk", "opentelemetry-instrumentation", "opentelemetry-distro")
        shown = ", ".join(f"{name} {installed[name].version}" for name in core if name in installed)
        yield ok("versions", f"{shown} agree with each other")


def _wanted(distribution: Distribution) -> list[str]:
    plain = [requirement for requirement in distribution.requires or [] if ";" not in requirement]
    return [requirement for requirement in plain if requirement.startswith("opentelemetry-")]


def _sitecustomize(env: Mapping[str, str]) -> Iterator[Finding]:
    """Python loads one ``sitecustomize`` only, the first on its path; auto-instrumentation is one."""
    otels = Path(auto_instrumentation_folder())
    from_variable = [folder for folder in env.get("PYTHONPATH", "").split(os.pathsep) if folder]
    earlier = from_variable[: from_variable.index(str(otels))] if str(otels) in from_variable else []
    others = {Path(f) / "sitecustomize.py" for f in (*from_variable, *sys.path) if f and Path(f) != otels}
    others = {file for file in others if file.is_file()}
    for file in sorted(others):
        if str(file.parent) in earlier:
            fix = f"Move {otels} to the front of PYTHONPATH, or start with `langfuse-otel run`, which does"
            yield fault("sitecustomize", f"{file} comes first, so auto-instrumentation does not start", fix)
        else:
            fix = "Call what it does from usercustomize.py or from the application, if that is needed there"
            yield note("sitecustomize", f"{file} is not run under auto-instrumentation, whose own comes first", fix)
    if not others:
        yield ok("sitecustomize", "no other one on the path")

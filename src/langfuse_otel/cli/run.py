"""``langfuse-otel run -- python app.py``: the program, traced, without a change to it.

Does what ``opentelemetry-instrument`` does (puts OpenTelemetry's ``sitecustomize`` first on PYTHONPATH, then becomes
the program), and before that chooses our distro, configurator and exporters, which it leaves to chance or to the user.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from langfuse_otel.environment_variables import SELECTORS, TRACES_EXPORTER, listed, set_defaults, set_exporters

# What a shell says of a command that it cannot find, or cannot execute.
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


def main(arguments: Sequence[str]) -> int:
    """Become the command; returns an exit status only where that is impossible."""
    parser = argparse.ArgumentParser(
        prog="langfuse-otel run",
        usage="langfuse-otel run -- command ...",
        description="Run a program with OpenTelemetry set up to send to Langfuse. Variables that are set already win.",
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, help="for example: python app.py")
    command: list[str] = parser.parse_args(arguments).command
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        parser.error("no command; for example: langfuse-otel run -- python app.py")
    # The environment that we are installed in comes last, so that a program never starts under another interpreter
    # than without us; it helps where `.venv/bin/langfuse-otel` is called without activating `.venv`.
    search_path = os.pathsep.join((os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)))
    executable = shutil.which(command[0], path=search_path)
    if executable is None:
        _say(f"{command[0]}: command not found")
        return _NOT_FOUND
    env = instrumented(os.environ)
    if "langfuse" not in listed(env, TRACES_EXPORTER):
        _say(
            f"{TRACES_EXPORTER}={env[TRACES_EXPORTER]} is set, so no trace goes to Langfuse; add `langfuse` to the list"
        )
    try:
        return _become([executable, *command[1:]], env)
    except OSError as error:
        _say(f"{executable}: {error.strerror}")
        return _NOT_EXECUTABLE


def instrumented(env: Mapping[str, str]) -> dict[str, str]:
    """A copy of an environment in which Python programs set themselves up to send to Langfuse."""
    chosen = with_auto_instrumentation(env)
    set_defaults(chosen, SELECTORS)
    set_exporters(chosen)
    return chosen


def with_auto_instrumentation(env: Mapping[str, str]) -> dict[str, str]:
    """A copy of an environment in which Python loads OpenTelemetry first, as ``opentelemetry-instrument`` makes it."""
    first = [auto_instrumentation_folder(), str(Path.cwd())]
    rest = [folder for folder in env.get("PYTHONPATH", "").split(os.pathsep) if folder and folder not in first]
    return {**env, "PYTHONPATH": os.pathsep.join(first + rest)}


def auto_instrumentation_folder() -> str:
    """Where OpenTelemetry's ``sitecustomize.py`` lies."""
    spec = find_spec("opentelemetry.instrumentation.auto_instrumentation")
    assert spec is not None and spec.origin is not None, "opentelemetry-instrumentation is a dependency"
    return str(Path(spec.origin).parent)


def _become(command: list[str], env: Mapping[str, str]) -> NoReturn:
    """Replace this process: signals, standard streams and exit status are the program's own."""
    if os.name == "nt":  # exec there starts a second process and returns at once to the shell
        sys.exit(subprocess.call(command, env=dict(env)))  # noqa: S603
    os.execve(command[0], command, dict(env))  # noqa: S606


def _say(message: str) -> None:
    print(f"langfuse-otel run: {message}", file=sys.stderr, flush=True)

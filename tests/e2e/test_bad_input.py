"""Bad settings, whichever way in: the program runs as ever, and one line names the variable and the way to mend it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.loopback import Loopback, reply

BIN = Path(sys.executable).parent
STARTED = "the application starts"
APP = f"""
import sys
from opentelemetry import trace
print({STARTED!r}, file=sys.stderr)
with trace.get_tracer("app").start_as_current_span("work"):
    pass
print("done")
"""
WAYS: dict[str, tuple[list[str], dict[str, str]]] = {
    "configure()": ([sys.executable, "-c", "import langfuse_otel\nlangfuse_otel.configure()" + APP], {}),
    "opentelemetry-instrument": (
        [str(BIN / "opentelemetry-instrument"), sys.executable, "-c", APP],
        {"OTEL_TRACES_EXPORTER": "langfuse"},
    ),
    "langfuse-otel run": ([str(BIN / "langfuse-otel"), "run", "--", sys.executable, "-c", APP], {}),
}
PUBLIC, SECRET = "pk-lf-0123456789", "sk-lf-hush-hush-hush"
KEYS = {"LANGFUSE_PUBLIC_KEY": PUBLIC, "LANGFUSE_SECRET_KEY": SECRET}
COPY_KEYS = "Copy both keys from Langfuse (project settings, API keys)"


@dataclass(frozen=True)
class Bad:
    """What is set wrong, and what has to be said about it; ``env`` may name the addresses of the fixture."""

    variable: str
    problem: str
    fix: str
    env: dict[str, str] = field(default_factory=dict)


UNTRACED = {
    "no keys": Bad("LANGFUSE_PUBLIC_KEY", "is not set, nor is LANGFUSE_SECRET_KEY", COPY_KEYS),
    "no secret key": Bad("LANGFUSE_SECRET_KEY", "is not set", COPY_KEYS, {"LANGFUSE_PUBLIC_KEY": PUBLIC}),
    "no public key": Bad("LANGFUSE_PUBLIC_KEY", "is not set", COPY_KEYS, {"LANGFUSE_SECRET_KEY": SECRET}),
    "keys swapped": Bad(
        "LANGFUSE_PUBLIC_KEY",
        "holds the secret key",
        "exchange them",
        {"LANGFUSE_PUBLIC_KEY": SECRET, "LANGFUSE_SECRET_KEY": PUBLIC},
    ),
    "malformed address": Bad(
        "LANGFUSE_BASE_URL",
        "'localhost:3000' is not a URL",
        "Leave it out for its default, 'https://cloud.langfuse.com'",
        # Our instrumentations read the settings too.
        {**KEYS, "LANGFUSE_BASE_URL": "localhost:3000", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai"},
    ),
    "unknown wire": Bad(
        "OTEL_EXPORTER_LANGFUSE_WIRE",
        "'pigeon' is unknown",
        "known are auto, otlp, ingestion",
        {**KEYS, "OTEL_EXPORTER_LANGFUSE_WIRE": "pigeon"},
    ),
}
BUFFERED = {
    "nobody listens": Bad(
        "LANGFUSE_BASE_URL", "refused", "check LANGFUSE_BASE_URL", {**KEYS, "LANGFUSE_BASE_URL": "{nobody}"}
    ),
    "wrong key": Bad(
        "LANGFUSE_SECRET_KEY",
        "HTTP 401: Invalid credentials",
        "check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY",
        {**KEYS, "LANGFUSE_BASE_URL": "{refuses}"},
    ),
}


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """A port that is taken but refuses connections, and a server that knows nobody's keys."""
    with socket.socket() as taken, Loopback(reply(401, b'{"message": "Invalid credentials"}')) as server:
        taken.bind(("127.0.0.1", 0))
        yield {"nobody": f"http://127.0.0.1:{taken.getsockname()[1]}", "refuses": server.url}


def ended(way: str, bad: Bad, addresses: dict[str, str]) -> tuple[list[str], list[str]]:
    """The lines on standard error before and after the application's start; it has run as if we were not there."""
    command, env = WAYS[way]
    wrong = {name: value.format(**addresses) for name, value in bad.env.items()}
    ours = {
        "OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT": "0.5",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai,langfuse_openai",  # importing their client takes longest
    }
    process = subprocess.run(
        command, env={**os.environ, **ours, **env, **wrong}, capture_output=True, text=True, timeout=30, check=False
    )
    assert (process.returncode, process.stdout) == (0, "done\n"), process.stderr
    assert "hush" not in process.stderr
    before, _, after = process.stderr.partition(f"{STARTED}\n")
    foreign = "Configuration of configurator not loaded"  # OpenTelemetry's loader, of the stock configurator
    return [line for line in before.splitlines() if not line.startswith(foreign)], after.splitlines()


def assert_says(line: str, bad: Bad) -> None:
    assert bad.variable in line
    assert bad.problem in line
    assert bad.fix in line


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bad", UNTRACED.values(), ids=UNTRACED)
def test_what_keeps_us_from_tracing_is_said_once_at_start_up(way: str, bad: Bad, addresses: dict[str, str]) -> None:
    before, after = ended(way, bad, addresses)
    (line,) = before
    assert_says(line, bad)
    assert after == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("bad", BUFFERED.values(), ids=BUFFERED)
def test_what_keeps_spans_waiting_is_said_once_when_they_are_sent(
    way: str, bad: Bad, addresses: dict[str, str]
) -> None:
    before, after = ended(way, bad, addresses)
    assert before == []
    line, loss = after
    assert_says(line, bad)
    assert loss == "shut down: delivered 0 spans, lost: shutdown=1"

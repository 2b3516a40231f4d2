"""Applications in processes of their own: how they end is what is tested."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from langfuse_otel.exporter import LangfuseSpanExporter
from support.sink import FaultSink
from support.spans import finished

GUARANTEE, SPOOL = "OTEL_EXPORTER_LANGFUSE_DELIVERY", "OTEL_EXPORTER_LANGFUSE_SPOOL_DIRECTORY"
AT_LEAST_ONCE = "at_least_once"

PRELUDE = """
import os, sys
from opentelemetry.sdk.trace import TracerProvider
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.processor import LangfuseSpanProcessor

def tracing(**options):
    global provider, exporter, tracer
    provider = TracerProvider(**options)
    exporter = LangfuseSpanExporter()
    provider.add_span_processor(LangfuseSpanProcessor(exporter))
    tracer = provider.get_tracer("app")

def end_spans(count):
    for _ in range(count):
        span = tracer.start_span("s", attributes={"input": "x" * 1000})
        span.end()
        os.write(1, b"%016x\\n" % span.get_span_context().span_id)  # a kill cannot take that back
"""


@dataclass(frozen=True)
class Ended:
    """How an application ended, and the ids of the spans that it and its children said they ended."""

    code: int
    span_ids: list[str]
    errors: str


class App(contextlib.AbstractContextManager["App"]):
    """A program that runs. What is left of it and of its children at the end of the ``with`` block is killed.

    Args:
        command: The program and its arguments.
        url: Of the Langfuse that its environment names.
        env: More of its environment.
        cwd: Where it runs.
        pass_fds: Files that it inherits.
    """

    def __init__(
        self, command: Sequence[str], url: str, *, cwd: Path | None = None, pass_fds: Sequence[int] = (), **env: str
    ) -> None:
        # No pipes, which could fill up.
        self._out, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115  # see __exit__
        self.process = subprocess.Popen(
            command,
            env={
                **os.environ,
                "LANGFUSE_PUBLIC_KEY": "pk-lf-1",
                "LANGFUSE_SECRET_KEY": "sk-lf-1",
                "LANGFUSE_BASE_URL": url,
                "PYTHONWARNINGS": "ignore:This process:DeprecationWarning",  # of each fork beside threads, from 3.12 on
                **env,
            },
            cwd=cwd,
            pass_fds=pass_fds,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._errors,
            start_new_session=True,
        )

    @property
    def span_ids(self) -> list[str]:
        """The spans that ended so far."""
        return re.findall(r"^[0-9a-f]{16}$(?=\n)", self.output, re.MULTILINE)

    @property
    def output(self) -> str:
        """What it has written to stdout so far."""
        return os.pread(self._out.fileno(), 1 << 30, 0).decode()

    @property
    def errors(self) -> str:
        """What it has written to stderr so far."""
        return os.pread(self._errors.fileno(), 1 << 30, 0).decode(errors="replace")

    def wait(self, timeout_s: float = 60.0) -> Ended:
        """Until it ends by itself."""
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {timeout_s:g} s; stderr: {self.errors}") from None
        return Ended(code, self.span_ids, self.errors)

    def wait_for(self, reached: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Until something is so that only the application's own output tells."""
        deadline = time.monotonic() + timeout_s
        while not reached():
            assert time.monotonic() < deadline, self.errors
            time.sleep(0.02)

    def end(self, number: signal.Signals, timeout_s: float = 60.0) -> Ended:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        return self.wait(timeout_s)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):  # its children have its group
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._out.close()
        self._errors.close()


def start_app(source: str, url: str, **env: str) -> App:
    """Start Python source with ``tracing()``, ``tracer`` and ``end_spans(count)`` at hand."""
    return App([sys.executable, "-c", PRELUDE + textwrap.dedent(source)], url, **env)


def run_app(source: str, url: str, *, timeout_s: float = 60.0, **env: str) -> Ended:
    """The same, and wait for its end; fails when it does not end."""
    with start_app(source, url, **env) as app:
        return app.wait(timeout_s)


def adopt(sink: FaultSink, span_ids: Iterable[str], env: Mapping[str, str]) -> None:
    """Be the next process that uses the spool of an application, until the sink has these spans."""
    exporter = LangfuseSpanExporter(
        public_key="pk-lf-1",
        secret_key="sk-lf-1",
        base_url=sink.url,
        delivery=env[GUARANTEE],
        spool_directory=env[SPOOL],
    )
    exporter.export(finished())  # its first span starts it
    sink.wait_for({*span_ids})
    exporter.force_flush()
    exporter.shutdown()


def assert_all_delivered(sink: FaultSink, span_ids: Iterable[str], env: Mapping[str, str]) -> None:
    """Each of these spans, and each once; of those on disk, what an application left the next process delivers.

    On a slow machine that is some, as then the exit does not wait long; what was in a request comes twice then.
    """
    if env[GUARANTEE] == AT_LEAST_ONCE and {*span_ids} - sink.delivered.keys():
        adopt(sink, span_ids, env)
    else:
        assert sink.delivered == dict.fromkeys(span_ids, 1)

"""The proof that set-up happens, and what it says when OpenTelemetry has swallowed why it did not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from langfuse_otel.cli.doctor.finding import Finding, Outcome
from langfuse_otel.cli.doctor.proof import check


def findings(**env: str) -> Iterator[Finding]:
    """Each way is tried when it is asked for: first ``langfuse-otel run``, then ``opentelemetry-instrument``."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGFUSE_"))}
    return check({**clean, **env})


def test_a_span_of_a_child_arrives() -> None:
    found = next(findings())
    assert found.outcome is Outcome.OK, found
    assert "TracerProvider, exporters langfuse/none/none" in found.detail


def test_a_swallowed_error_is_found_and_named() -> None:
    found = next(findings(OTEL_METRICS_EXPORTER="no-such-exporter"))
    assert found.outcome is Outcome.FAULT
    assert "no-such-exporter" in found.detail
    assert "OTEL_METRICS_EXPORTER=no-such-exporter" in found.fix


def test_another_distro_that_wins_is_a_fault_where_it_was_chosen() -> None:
    chosen = {"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "configurator"}
    traces = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    *_, found = findings(**chosen, **traces)
    assert found.name == "opentelemetry-instrument"
    assert found.outcome is Outcome.FAULT
    assert "traces go to console" in found.detail


def test_a_sitecustomize_that_breaks_python_s_start_is_found(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("")  # hides the namespace package
    found = next(findings(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])))
    assert found.outcome is Outcome.FAULT
    assert "ModuleNotFoundError" in found.detail


def test_nothing_is_tried_where_tracing_is_turned_off() -> None:
    (found,) = findings(LANGFUSE_TRACING_ENABLED="false")
    assert found.outcome is Outcome.NOTE


def test_the_user_s_keys_and_server_are_not_used() -> None:
    keys = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-0123456789abcdef"}
    found = next(findings(LANGFUSE_BASE_URL="http://127.0.0.1:9", **keys))
    assert found.outcome is Outcome.OK, found

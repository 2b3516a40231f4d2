"""The proof that set-up happens, and what it says when OpenTelemetry has swallowed why it did not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from langfuse_otel.cli.doctor.finding import Finding, Outcome
from langfuse_otel.cli.doctor.proof import check

FOREIGN = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai"}  # the official one imports its client, half a second


def findings(**env: str) -> Iterator[Finding]:
    """Each way is tried when it is asked for: first ``langfuse-otel run``, then ``opentelemetry-instrument``."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGFUSE_"))}
    return check({**clean, **FOREIGN, **env})


def test_a_span_of_a_child_arrives() -> None:
    found = next(findings())
    assert found.outcome is Outcome.OK, found
    assert "TracerProvider, exporters langfuse/none/none" in found.detail


def test_a_swallowed_error_is_found_and_named() -> None:
    found = next(findings(OTEL_METRICS_EXPORTER="no-such-exporter"))
    assert found.outcome is Outcome.FAULT
    assert "no-such-exporter" in found.detail
    assert found.fix == "Set OTEL_METRICS_EXPORTER=none, or install that exporter"
    assert "doctor" not in found.detail  # which is where the reader is already


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
    assert "ImportError" in found.detail
    assert str(tmp_path) in found.detail


def test_nothing_is_tried_where_tracing_is_turned_off() -> None:
    (found,) = findings(LANGFUSE_TRACING_ENABLED="false")
    assert found.outcome is Outcome.NOTE


def test_the_user_s_keys_and_server_are_not_used() -> None:
    keys = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-0123456789abcdef"}
    found = next(findings(LANGFUSE_BASE_URL="http://127.0.0.1:9", **keys))
    assert found.outcome is Outcome.OK, found


def test_an_instrumentation_that_failed_during_set_up_is_a_fault(tmp_path: Path) -> None:
    """OpenTelemetry logs it and goes on, so that the span arrives all the same."""
    info = tmp_path / "fakes-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fakes\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[opentelemetry_instrumentor]\nbroken = proof_fakes:Broken\n")
    (tmp_path / "proof_fakes.py").write_text(
        "class Broken:\n    def instrument(self, **kwargs):\n        raise RuntimeError('cannot wrap')\n"
    )
    found = findings(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert next(found).outcome is Outcome.OK
    failed = next(found)
    assert failed.outcome is Outcome.FAULT
    assert "Instrumentation broken failed (RuntimeError: cannot wrap)" in failed.detail
    assert "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS" in failed.fix


def test_a_sampler_that_leaves_the_span_out_is_noted_as_the_cause() -> None:
    found = next(findings(OTEL_TRACES_SAMPLER="always_off"))
    assert found.outcome is Outcome.NOTE
    assert "OTEL_TRACES_SAMPLER" in found.fix


def test_limits_that_are_too_short_for_an_exit_do_not_fail_the_proof() -> None:
    short = {"OTEL_EXPORTER_LANGFUSE_SHUTDOWN_TIMEOUT": "0", "LANGFUSE_TIMEOUT": "0.001"}
    assert next(findings(**short)).outcome is Outcome.OK


def test_a_proxy_is_not_asked_for_the_listener() -> None:
    proxy = {"http_proxy": "http://127.0.0.1:9", "no_proxy": "elsewhere"}
    assert next(findings(**proxy)).outcome is Outcome.OK

"""Set-up without code: OpenTelemetry's own loader, in processes of their own, with our entry points."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk import _configuration
from opentelemetry.sdk.trace import TracerProvider

from langfuse_otel import propagate_attributes
from langfuse_otel.cli.doctor.listener import Listener
from langfuse_otel.cli.run import instrumented, with_auto_instrumentation
from langfuse_otel.distro import LangfuseConfigurator, LangfuseDistro, pre_instrument

EXPORTERS = ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER")
STOCK = {
    "OTEL_PYTHON_DISTRO": "distro",
    "OTEL_PYTHON_CONFIGURATOR": "configurator",
    "OTEL_TRACES_EXPORTER": "langfuse",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
}
APPLICATION = """
    from opentelemetry import trace
    with trace.get_tracer("app").start_as_current_span("answer the question"):
        print("42")
"""


def application(code: str, env: dict[str, str], langfuse: Listener) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in env.items() if not name.startswith("LANGFUSE_")}
    keys = {"LANGFUSE_PUBLIC_KEY": "pk-lf-test", "LANGFUSE_SECRET_KEY": "sk-lf-test-test-test"}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={
            **clean,
            **keys,
            "LANGFUSE_BASE_URL": langfuse.url,
            "LANGFUSE_OTEL_COMPRESSION": "none",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai",  # the tests install a foreign one
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


class TestZeroCode:
    def test_a_span_arrives_and_the_application_s_output_is_its_own(self, langfuse: Listener) -> None:
        process = application(APPLICATION, instrumented(os.environ), langfuse)
        assert process.stdout == "42\n"
        assert process.stderr == ""
        assert b"answer the question" in b"".join(langfuse.posted)

    def test_the_stock_distro_works_with_the_exporters_named(self, langfuse: Listener) -> None:
        process = application(APPLICATION, with_auto_instrumentation({**os.environ, **STOCK}), langfuse)
        assert process.returncode == 0, process.stderr
        assert b"answer the question" in b"".join(langfuse.posted)

    @pytest.mark.parametrize("env", [{}, STOCK], ids=["ours", "stock"])
    def test_trace_fields_are_on_the_spans(self, env: dict[str, str], langfuse: Listener) -> None:
        code = """
            from langfuse_otel import propagate_attributes
            from opentelemetry import trace
            with propagate_attributes(user_id="ada"):
                trace.get_tracer("app").start_span("work").end()
        """
        process = application(code, instrumented({**os.environ, **env}), langfuse)
        assert process.returncode == 0, process.stderr
        assert b"ada" in b"".join(langfuse.posted)

    def test_configure_in_the_application_adds_no_second_exporter(self, langfuse: Listener) -> None:
        code = "import langfuse_otel\nlangfuse_otel.configure()" + textwrap.dedent(APPLICATION)
        process = application(code, instrumented(os.environ), langfuse)
        assert process.returncode == 0, process.stderr
        assert b"".join(langfuse.posted).count(b"answer the question") == 1

    def test_a_set_up_that_fails_is_said_and_the_application_runs(self, langfuse: Listener) -> None:
        env = instrumented({**os.environ, "OTEL_METRICS_EXPORTER": "no-such-exporter"})
        process = application(APPLICATION, env, langfuse)
        assert process.returncode == 0
        assert process.stdout == "42\n"
        assert "no-such-exporter" in process.stderr
        assert "langfuse-otel doctor" in process.stderr


class TestDistro:
    def test_sets_the_exporters_that_are_not_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable in EXPORTERS:
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "console")
        LangfuseDistro().configure()
        assert [os.environ[variable] for variable in EXPORTERS] == ["langfuse", "console", "none"]

    def test_an_instrumentor_that_fails_costs_its_own_library_only(self, caplog: pytest.LogCaptureFixture) -> None:
        LangfuseDistro().load_instrumentor(EntryPoint("theirs", f"{__name__}:Broken", "opentelemetry_instrumentor"))
        assert "Instrumentation theirs failed (RuntimeError: cannot wrap)" in caplog.text

    def test_a_library_that_is_not_installed_is_left_to_opentelemetry_s_loader(self) -> None:
        with pytest.raises(ModuleNotFoundError):
            LangfuseDistro().load_instrumentor(EntryPoint("gone", "no_such_module:X", "opentelemetry_instrumentor"))


class Broken:
    def instrument(self, **kwargs: Any) -> None:
        raise RuntimeError("cannot wrap")


class TestConfigurator:
    def test_the_private_name_that_it_needs_is_there(self) -> None:
        """Fails first when OpenTelemetry moves it; the end-to-end tests above show that it still does its work."""
        assert issubclass(LangfuseConfigurator, _configuration._OTelSDKConfigurator)
        assert callable(_configuration._OTelSDKConfigurator._configure)

    def test_a_failure_does_not_raise(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.setenv("OTEL_TRACES_EXPORTER", "no-such-exporter")
        LangfuseConfigurator().configure()
        assert "no-such-exporter" in caplog.text


class TestPreInstrument:
    @pytest.fixture
    def provider(self, monkeypatch: pytest.MonkeyPatch) -> TracerProvider:
        provider = TracerProvider(shutdown_on_exit=False)
        monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
        return provider

    def user_of_a_span(self, provider: TracerProvider) -> object:
        with propagate_attributes(user_id="ada"):
            span = provider.get_tracer("app").start_span("work")
        return (span.attributes or {}).get("user.id")  # type: ignore[attr-defined]

    @pytest.mark.parametrize("exporters", ["langfuse", "console, langfuse"])
    def test_adds_the_trace_fields_where_our_exporter_is_chosen(
        self, exporters: str, provider: TracerProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OTEL_TRACES_EXPORTER", exporters)
        pre_instrument()
        assert self.user_of_a_span(provider) == "ada"

    def test_leaves_other_exporters_alone(self, provider: TracerProvider, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
        pre_instrument()
        assert self.user_of_a_span(provider) is None

    def test_adds_them_once(self, provider: TracerProvider, monkeypatch: pytest.MonkeyPatch) -> None:
        added: list[object] = []
        monkeypatch.setenv("OTEL_TRACES_EXPORTER", "langfuse")
        monkeypatch.setattr(provider, "add_span_processor", added.append)
        pre_instrument()
        pre_instrument()
        assert len(added) == 1

    def test_does_not_raise_whatever_the_provider_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTEL_TRACES_EXPORTER", "langfuse")
        monkeypatch.setattr(trace, "get_tracer_provider", object)
        pre_instrument()

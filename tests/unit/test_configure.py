"""``configure``: what it sets up, when it sets up nothing, and that it says why."""

from __future__ import annotations

import gc
import os
import weakref
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

import langfuse_otel
from langfuse_otel.cli.doctor.listener import Listener
from langfuse_otel.configure import adopt
from langfuse_otel.errors import SettingsError
from support.configured import KEY_VARIABLES, KEYS, application, to

UNTRACED = """
    import langfuse_otel
    from opentelemetry import trace
    for _ in range(2):
        tracing = langfuse_otel.configure(instrument=False)
    with trace.get_tracer("app").start_as_current_span("work"):
        pass
    print(type(trace.get_tracer_provider()).__name__, tracing.status().state.value, tracing.flush())
    tracing.shutdown()
"""


class TestSetUp:
    def test_spans_of_the_given_provider_reach_langfuse(self, langfuse: Listener, provider: TracerProvider) -> None:
        tracing = langfuse_otel.configure(tracer_provider=provider, **to(langfuse))
        with langfuse_otel.propagate_attributes(user_id="ada"):
            provider.get_tracer("app").start_span("answer the question").end()
        assert tracing.flush(10)
        sent = b"".join(langfuse.posted)
        assert b"answer the question" in sent
        assert b"ada" in sent
        status = tracing.status()
        assert status is not None
        assert status.counts["delivered"] == 1

    def test_a_global_provider_is_made_when_there_is_none(self, langfuse: Listener) -> None:
        process = application(
            """
            import langfuse_otel
            from opentelemetry import trace
            langfuse_otel.configure()
            trace.get_tracer("app").start_span("made by configure").end()
            print(type(trace.get_tracer_provider()).__name__)
            """,
            LANGFUSE_BASE_URL=langfuse.url,
            **KEY_VARIABLES,
        )
        assert process.stdout.strip() == "TracerProvider", process.stderr
        assert process.stderr == ""
        assert b"made by configure" in b"".join(langfuse.posted)  # without a flush: the exit delivers

    def test_a_global_provider_that_is_there_is_kept(self, langfuse: Listener) -> None:
        process = application(
            """
            import langfuse_otel
            from opentelemetry import trace
            from opentelemetry.sdk.trace import TracerProvider
            mine = TracerProvider()
            trace.set_tracer_provider(mine)
            tracing = langfuse_otel.configure()
            trace.get_tracer("app").start_span("on their provider").end()
            print(trace.get_tracer_provider() is mine, tracing.flush(10))
            """,
            LANGFUSE_BASE_URL=langfuse.url,
            **KEY_VARIABLES,
        )
        assert process.stdout.strip() == "True True", process.stderr
        assert b"on their provider" in b"".join(langfuse.posted)

    def test_arguments_win_over_the_environment(
        self, langfuse: Listener, provider: TracerProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LANGFUSE_BASE_URL", "http://127.0.0.1:9")
        tracing = langfuse_otel.configure(tracer_provider=provider, **to(langfuse))
        provider.get_tracer("app").start_span("work").end()
        assert tracing.flush(10)
        assert langfuse.posted


class TestSecondCall:
    def test_the_same_project_is_the_same_tracing(self, langfuse: Listener, provider: TracerProvider) -> None:
        first = langfuse_otel.configure(tracer_provider=provider, **to(langfuse))
        assert langfuse_otel.configure(tracer_provider=provider, **to(langfuse)) is first
        provider.get_tracer("app").start_span("only once").end()
        assert first.flush(10)
        assert b"".join(langfuse.posted).count(b"only once") == 1

    def test_another_project_is_refused_aloud(
        self, langfuse: Listener, provider: TracerProvider, caplog: pytest.LogCaptureFixture
    ) -> None:
        first = langfuse_otel.configure(tracer_provider=provider, **to(langfuse))
        again = langfuse_otel.configure(tracer_provider=provider, **to(langfuse, public_key="pk-lf-other"))
        assert again is first
        (record,) = [r for r in caplog.records if "called again" in r.getMessage()]
        assert "pk-lf-other" in record.getMessage()
        assert KEYS["secret_key"] not in record.getMessage()

    def test_after_shutdown_it_sets_up_anew(self, langfuse: Listener, provider: TracerProvider) -> None:
        first = langfuse_otel.configure(tracer_provider=provider, **to(langfuse))
        first.shutdown()
        second = langfuse_otel.configure(tracer_provider=provider, **to(langfuse))
        assert second is not first
        provider.get_tracer("app").start_span("second life").end()
        assert second.flush(10)
        assert b"second life" in b"".join(langfuse.posted)

    def test_each_provider_has_its_own(self, langfuse: Listener, provider: TracerProvider) -> None:
        other = TracerProvider(shutdown_on_exit=False)
        first = langfuse_otel.configure(tracer_provider=provider, **to(langfuse))
        assert langfuse_otel.configure(tracer_provider=other, **to(langfuse)) is not first
        other.shutdown()

    def test_a_provider_that_is_dropped_is_not_kept_alive(self, langfuse: Listener) -> None:
        dropped = TracerProvider(shutdown_on_exit=False)
        langfuse_otel.configure(tracer_provider=dropped, **to(langfuse))
        gone = weakref.ref(dropped)
        del dropped
        gc.collect()
        assert gone() is None

    def test_what_the_environment_set_up_gets_no_second_exporter(
        self, langfuse: Listener, provider: TracerProvider
    ) -> None:
        adopt(provider)
        tracing = langfuse_otel.configure(tracer_provider=provider, **to(langfuse))
        provider.get_tracer("app").start_span("work").end()
        assert tracing.flush(10)
        assert tracing.status() is None
        assert langfuse.posted == []


class TestUntraced:
    @pytest.mark.parametrize(
        ("given", "named"),
        [
            ({}, "LANGFUSE_PUBLIC_KEY: is not set, nor is LANGFUSE_SECRET_KEY"),
            ({"LANGFUSE_SECRET_KEY": "sk-lf-hush-hush-hush"}, "LANGFUSE_PUBLIC_KEY: is not set, although"),
            ({"LANGFUSE_PUBLIC_KEY": "pk-lf-1"}, "LANGFUSE_SECRET_KEY: is not set, although"),
            (
                {**KEY_VARIABLES, "LANGFUSE_BASE_URL": "localhost:3000"},
                "LANGFUSE_BASE_URL: 'localhost:3000' is not a URL",
            ),
            (
                {**KEY_VARIABLES, "OTEL_EXPORTER_LANGFUSE_WIRE": "pigeon"},
                "OTEL_EXPORTER_LANGFUSE_WIRE: 'pigeon' is unknown",
            ),
        ],
    )
    def test_what_is_wrong_is_said_once_and_the_application_runs(self, given: dict[str, str], named: str) -> None:
        process = application(UNTRACED, **given)
        assert process.returncode == 0, process.stderr
        assert process.stdout.strip() == "ProxyTracerProvider disabled True"
        (line,) = process.stderr.splitlines()
        assert named in line
        assert "hush" not in line

    @pytest.mark.parametrize("variable", [{"LANGFUSE_TRACING_ENABLED": "false"}, {"OTEL_SDK_DISABLED": "true"}])
    def test_what_is_turned_off_sends_nothing_and_says_nothing(
        self, variable: dict[str, str], langfuse: Listener
    ) -> None:
        process = application(UNTRACED, LANGFUSE_BASE_URL=langfuse.url, **KEY_VARIABLES, **variable)
        assert process.returncode == 0
        assert process.stdout.startswith("ProxyTracerProvider")
        assert process.stderr == ""
        assert langfuse.posted == []

    def test_what_opentelemetry_refuses_is_said_once_and_the_application_runs(self) -> None:
        process = application(
            """
            import langfuse_otel
            for _ in range(2):
                tracing = langfuse_otel.configure()
            print(tracing.status(), tracing.flush())
            tracing.shutdown()
            """,
            OTEL_PROPAGATORS="no-such-propagator",
            **KEY_VARIABLES,
        )
        assert process.stdout.strip() == "None True", process.stderr
        (line,) = process.stderr.splitlines()
        assert "no-such-propagator" in line
        assert "langfuse-otel doctor" in line

    @pytest.mark.parametrize(
        "mistake", [{"timeout_s": "soon"}, {"host": "http://localhost"}, {"base_url": "localhost"}]
    )
    def test_a_mistake_in_the_code_raises(self, mistake: dict[str, str]) -> None:
        with pytest.raises(SettingsError) as raised:
            langfuse_otel.configure(**KEYS, **mistake)
        assert next(iter(mistake)) in raised.value.variable
        assert raised.value.fix

    def test_a_provider_that_is_not_the_sdk_s_is_named(self, caplog: pytest.LogCaptureFixture) -> None:
        tracing = langfuse_otel.configure(tracer_provider=_Foreign(), **KEYS)  # type: ignore[arg-type]
        assert "_Foreign" in caplog.text
        assert tracing.flush()


class _Foreign(trace.TracerProvider):
    def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
        return trace.ProxyTracer("foreign")


class TestPrompts:
    def test_one_client_a_project(self) -> None:
        mine = langfuse_otel.prompts(**KEYS)
        assert langfuse_otel.prompts(**KEYS) is mine
        assert langfuse_otel.prompts(**{**KEYS, "public_key": "pk-lf-other"}) is not mine

    def test_missing_keys_are_named(self) -> None:
        with pytest.raises(SettingsError) as raised:
            langfuse_otel.prompts()
        assert raised.value.variable == "LANGFUSE_PUBLIC_KEY"


class TestMetrics:
    @pytest.mark.parametrize(("setting", "told"), [({}, True), ({"exporter_metrics": False}, False)])
    def test_the_application_s_metrics_are_told_how_delivery_goes(
        self, langfuse: Listener, setting: dict[str, bool], told: bool
    ) -> None:
        code = f"""
            from opentelemetry import metrics, trace
            from opentelemetry.sdk.metrics import MeterProvider
            from opentelemetry.sdk.metrics.export import InMemoryMetricReader
            import langfuse_otel
            reader = InMemoryMetricReader()
            metrics.set_meter_provider(MeterProvider([reader]))
            langfuse_otel.configure(instrument=False, **{setting!r})
            trace.get_tracer("app").start_span("one").end()
            print("otel.sdk.exporter.span.exported" in str(reader.get_metrics_data()))
        """
        ended = application(code, LANGFUSE_BASE_URL=langfuse.url, **KEY_VARIABLES)
        assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, str(told), "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_child_forked_in_the_middle_of_configure_can_configure() -> None:
    process = application(
        """
        import os, threading
        import langfuse_otel
        from langfuse_otel.configure import _process
        held, done = threading.Event(), threading.Event()
        def hold():
            with _process.lock:
                held.set()
                done.wait()
        threading.Thread(target=hold, daemon=True).start()
        held.wait()
        child = os.fork()
        if child == 0:
            langfuse_otel.configure()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        done.set()
        print(os.waitstatus_to_exitcode(status))
        """,
        **KEY_VARIABLES,
    )
    assert process.stdout.strip() == "0", process.stderr

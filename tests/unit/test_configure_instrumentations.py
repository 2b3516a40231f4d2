"""``configure``: which of the installed instrumentations it applies."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

import langfuse_otel
from langfuse_otel.cli.doctor.listener import Listener
from support.configured import to

INSTRUMENTORS = """
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

class Base(BaseInstrumentor):
    needs, calls = (), None
    def __init__(self):
        self.calls = self.calls if self.calls is not None else []
    def instrumentation_dependencies(self):
        return self.needs
    def _instrument(self, **kwargs):
        self.calls.append(kwargs)
    def _uninstrument(self, **kwargs):
        self.calls.append("off")

class Good(Base): pass
class Theirs(Base): pass
class Absent(Base): needs = ("no-such-client >= 1",)
class Old(Base): needs = ("opentelemetry-api < 1",)
class Broken(Base):
    def _instrument(self, **kwargs):
        raise RuntimeError("cannot wrap")
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Installs a distribution with the instrumentors that are named, found by their entry points as real ones are."""

    def install(**instrumentors: str) -> Any:
        info = tmp_path / "fake_instrumentors-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-instrumentors\nVersion: 1\n")
        lines = [f"{name} = fake_instrumentors:{target}" for name, target in instrumentors.items()]
        (info / "entry_points.txt").write_text("\n".join(["[opentelemetry_instrumentor]", *lines]))
        (tmp_path / "fake_instrumentors.py").write_text(INSTRUMENTORS)
        monkeypatch.syspath_prepend(tmp_path)
        return import_module("fake_instrumentors")

    yield install
    sys.modules.pop("fake_instrumentors", None)


def test_ours_are_applied_and_others_left_alone(
    installed: Callable[..., Any], langfuse: Listener, provider: TracerProvider
) -> None:
    fakes = installed(langfuse_good="Good", good="Theirs")
    settings = to(langfuse, instrument=True, capture_content="NO_CONTENT")
    tracing = langfuse_otel.configure(tracer_provider=provider, **settings)
    (options,) = fakes.Good().calls
    assert options["tracer_provider"] is provider
    assert options["capture_content"] == "NO_CONTENT"
    assert fakes.Theirs().calls == []
    tracing.shutdown()
    assert fakes.Good().calls[-1] == "off"


@pytest.mark.parametrize("disabled", ["langfuse_good", "other, langfuse_good", "*"])
def test_those_that_opentelemetry_s_variable_names_are_left_out(
    installed: Callable[..., Any],
    langfuse: Listener,
    provider: TracerProvider,
    monkeypatch: pytest.MonkeyPatch,
    disabled: str,
) -> None:
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", disabled)
    fakes = installed(langfuse_good="Good")
    tracing = langfuse_otel.configure(tracer_provider=provider, **to(langfuse, instrument=True))
    tracing.shutdown()
    assert fakes.Good().calls == []


def test_one_that_fails_is_named_and_does_not_stop_the_next(
    installed: Callable[..., Any],
    langfuse: Listener,
    provider: TracerProvider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fakes = installed(langfuse_broken="Broken", langfuse_missing="Missing", langfuse_old="Old", langfuse_good="Good")
    tracing = langfuse_otel.configure(tracer_provider=provider, **to(langfuse, instrument=True))
    tracing.shutdown()
    assert "langfuse_broken could not be applied (RuntimeError: cannot wrap)" in caplog.text
    assert "langfuse_missing could not be applied (AttributeError" in caplog.text
    assert "langfuse_old is not applied" in caplog.text
    assert fakes.Old().calls == []
    assert fakes.Good().calls


def test_a_client_that_is_not_installed_is_nothing_to_talk_about(
    installed: Callable[..., Any],
    langfuse: Listener,
    provider: TracerProvider,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fakes = installed(langfuse_absent="Absent")
    tracing = langfuse_otel.configure(tracer_provider=provider, **to(langfuse, instrument=True))
    tracing.shutdown()
    assert fakes.Absent().calls == []
    assert "langfuse_absent" not in caplog.text


def test_none_when_not_asked(installed: Callable[..., Any], langfuse: Listener, provider: TracerProvider) -> None:
    fakes = installed(langfuse_good="Good")
    langfuse_otel.configure(tracer_provider=provider, **to(langfuse, instrument=False))
    assert fakes.Good().calls == []

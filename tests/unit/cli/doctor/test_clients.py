"""What ``doctor`` says of LLM clients and of who instruments them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from langfuse_otel.cli.doctor.clients import check
from langfuse_otel.cli.doctor.finding import Finding, Outcome

MODULE = """
class Instrumentor:
    needs = ()
    def instrumentation_dependencies(self):
        return self.needs
class Present(Instrumentor): needs = ("opentelemetry-api >= 1",)
class Old(Instrumentor): needs = ("opentelemetry-api < 1",)
class Absent(Instrumentor): needs = ("no-such-client",)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def install(**instrumentors: str) -> None:
        info = tmp_path / "fakes-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fakes\nVersion: 1\n")
        lines = [f"{name} = doctor_fakes:{target}" for name, target in instrumentors.items()]
        (info / "entry_points.txt").write_text("\n".join(["[opentelemetry_instrumentor]", *lines]))
        (tmp_path / "doctor_fakes.py").write_text(MODULE)
        monkeypatch.syspath_prepend(tmp_path)

    return install


def findings(**env: str) -> dict[str, Finding]:
    return {finding.name: finding for finding in check(env)}


def test_a_client_that_we_instrument_is_well(install: Callable[..., None]) -> None:
    install(langfuse_fake="Present")
    found = findings()["langfuse_fake"]
    assert found.outcome is Outcome.OK
    assert "opentelemetry-api" in found.detail


def test_a_client_of_an_unsupported_version_is_a_fault(install: Callable[..., None]) -> None:
    install(langfuse_fake="Old")
    found = findings()["langfuse_fake"]
    assert found.outcome is Outcome.FAULT
    assert "opentelemetry-api < 1" in found.detail


def test_a_client_that_is_not_installed_is_noted(install: Callable[..., None]) -> None:
    install(langfuse_fake="Absent")
    assert findings()["langfuse_fake"].outcome is Outcome.NOTE


def test_an_instrumentation_that_does_not_load_is_a_fault(install: Callable[..., None]) -> None:
    install(langfuse_fake="Missing")
    found = findings()["langfuse_fake"]
    assert found.outcome is Outcome.FAULT
    assert "AttributeError" in found.detail


def test_a_foreign_instrumentation_of_the_same_client_is_noted_with_its_package(install: Callable[..., None]) -> None:
    install(langfuse_fake="Present", fake="Present")
    found = findings()["fake"]
    assert found.outcome is Outcome.NOTE
    assert found.detail.startswith("fakes instruments the same client")
    assert found.fix == "For ours: OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=fake"


def test_a_foreign_instrumentation_that_is_turned_off_is_well(install: Callable[..., None]) -> None:
    install(langfuse_fake="Present", fake="Present")
    assert findings(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="x, fake")["fake"].outcome is Outcome.OK


def test_ours_turned_off_is_noted(install: Callable[..., None]) -> None:
    install(langfuse_fake="Present")
    assert findings(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="langfuse_fake")["langfuse_fake"].outcome is Outcome.NOTE

"""What ``doctor`` says of entry points, and of who wins."""

from __future__ import annotations

import pytest

from langfuse_otel.cli.doctor import discovery
from langfuse_otel.cli.doctor.discovery import check
from langfuse_otel.cli.doctor.finding import Finding, Outcome


def findings(**env: str) -> dict[str, Finding]:
    return {finding.name: finding for finding in check(env)}


def test_our_entry_points_are_there_and_load() -> None:
    assert findings()["entry points"].outcome is Outcome.OK


def test_what_the_selectors_choose_is_named() -> None:
    found = findings(OTEL_PYTHON_DISTRO="langfuse", OTEL_PYTHON_CONFIGURATOR="langfuse")
    assert found["distro"].detail == "langfuse, by OTEL_PYTHON_DISTRO"
    assert found["configurator"].outcome is Outcome.OK


def test_several_without_a_selector_are_noted_with_where_they_come_from() -> None:
    found = findings()["distro"]  # the tests install the stock distro
    assert found.outcome is Outcome.NOTE
    assert "langfuse (langfuse-otel)" in found.detail
    assert "distro (opentelemetry-distro)" in found.detail
    assert "OTEL_PYTHON_DISTRO=langfuse" in found.fix


def test_another_one_chosen_is_noted() -> None:
    assert findings(OTEL_PYTHON_DISTRO="distro")["distro"].outcome is Outcome.NOTE


def test_one_chosen_that_is_not_installed_is_a_fault() -> None:
    found = findings(OTEL_PYTHON_CONFIGURATOR="aws")["configurator"]
    assert found.outcome is Outcome.FAULT
    assert "'aws'" in found.detail


def test_a_package_that_is_there_without_its_metadata_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])
    found = findings()
    assert {name for name, finding in found.items() if finding.outcome is Outcome.FAULT} == set(found)
    assert set(found) == {"entry points", "distro", "configurator"}
    assert all("pip install --force-reinstall" in finding.fix for finding in found.values())


def test_what_keeps_them_all_from_loading_is_one_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        name = "langfuse"

        def load(self) -> object:
            raise ImportError("no module named wrapt")

    monkeypatch.setattr(discovery, "entry_points", lambda group: [Broken()])
    faults = [finding for finding in check({}) if finding.outcome is Outcome.FAULT]
    assert len(faults) == 1
    assert "no module named wrapt" in faults[0].detail

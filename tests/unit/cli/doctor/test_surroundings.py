"""What ``doctor`` says of the files and versions around us."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from langfuse_otel.cli.doctor.finding import Finding, Outcome
from langfuse_otel.cli.doctor.surroundings import check
from langfuse_otel.cli.run import auto_instrumentation_folder


def findings(env: dict[str, str]) -> dict[str, Finding]:
    return {finding.name: finding for finding in check(env)}


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, version: str, *requirements: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    lines = [f"Requires-Dist: {requirement}" for requirement in requirements]
    text = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines])
    (info / "METADATA").write_text(text + "\n")
    monkeypatch.syspath_prepend(folder)


def test_a_declarative_file_without_its_package_is_a_fault(tmp_path: Path) -> None:
    found = findings({"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml")})
    assert found["OTEL_CONFIG_FILE"].outcome is Outcome.FAULT
    assert "pip install opentelemetry-configuration" in found["OTEL_CONFIG_FILE"].fix


def test_packages_that_agree_are_well() -> None:
    assert findings({})["versions"].outcome is Outcome.OK


def test_a_package_that_wants_another_version_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "opentelemetry-odd", "1", "opentelemetry-api==0.1")
    found = findings({})["versions"]
    assert found.outcome is Outcome.FAULT
    assert "opentelemetry-odd 1 wants opentelemetry-api==0.1" in found.detail
    assert "pip install --upgrade" in found.fix


def test_a_sitecustomize_that_ours_hides_is_noted(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").touch()
    found = findings({"PYTHONPATH": str(tmp_path)})["sitecustomize"]
    assert found.outcome is Outcome.NOTE
    assert str(tmp_path) in found.detail


def test_a_sitecustomize_that_hides_opentelemetry_s_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").touch()
    found = findings({"PYTHONPATH": os.pathsep.join([str(tmp_path), auto_instrumentation_folder()])})["sitecustomize"]
    assert found.outcome is Outcome.FAULT
    assert "langfuse-otel run" in found.fix

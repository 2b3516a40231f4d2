"""What is published: both wheels are complete, ask for little, and work where they are installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

pytest.importorskip("hatchling", reason="the build backend is in the dependency group dev")
pytest.importorskip("pip", reason="uv makes environments without it")
from packaging.requirements import Requirement  # comes with opentelemetry-instrumentation

ROOT = Path(__file__).parent.parent.parent
PROJECTS = {"langfuse_otel": ROOT, "langfuse_otel_openai": ROOT / "instrumentations" / "openai"}
ENTRY_POINTS = {
    "langfuse_otel": {
        "opentelemetry_traces_exporter": {"langfuse": "langfuse_otel.exporter:LangfuseSpanExporter"},
        "opentelemetry_distro": {"langfuse": "langfuse_otel.distro:LangfuseDistro"},
        "opentelemetry_configurator": {"langfuse": "langfuse_otel.distro:LangfuseConfigurator"},
        "opentelemetry_pre_instrument": {"langfuse": "langfuse_otel.distro:pre_instrument"},
        "opentelemetry_environment_variables": {"langfuse": "langfuse_otel.environment_variables"},
        "opentelemetry_genai_completion_hook": {
            "langfuse": "langfuse_otel.instrumentation.completion_hook:CompletionHook"
        },
        "console_scripts": {"langfuse-otel": "langfuse_otel.cli.main:main"},
    },
    "langfuse_otel_openai": {
        "opentelemetry_instrumentor": {"langfuse_openai": "langfuse_otel_openai:OpenAIInstrumentor"},
    },
}


@dataclass(frozen=True)
class Wheel:
    """A wheel that was built, and what is in it."""

    package: str
    path: Path
    files: dict[str, str]

    def about(self, name: str) -> str:
        """A file of its ``.dist-info``."""
        (text,) = [text for file, text in self.files.items() if file.endswith(f".dist-info/{name}")]
        return text

    @property
    def metadata(self) -> Message:
        return Parser().parsestr(self.about("METADATA"))

    @property
    def requirements(self) -> list[Requirement]:
        """Those of the package itself, without its extras'."""
        wanted = [Requirement(line) for line in self.metadata.get_all("Requires-Dist", [])]
        return [requirement for requirement in wanted if "extra" not in str(requirement.marker)]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Wheel]:
    """Both, built as a release builds them."""
    built = {}
    for package, project in PROJECTS.items():
        folder = tmp_path_factory.mktemp(package)
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(command, cwd=project, capture_output=True, timeout=60, check=True)
        (path,) = folder.iterdir()
        with ZipFile(path) as archive:
            files = {name: archive.read(name).decode(errors="replace") for name in archive.namelist()}
        built[package] = Wheel(package, path, files)
    return built


@pytest.fixture(params=PROJECTS)
def wheel(request: pytest.FixtureRequest, wheels: dict[str, Wheel]) -> Wheel:
    return wheels[request.param]


@pytest.fixture(scope="module")
def installed(wheels: dict[str, Wheel], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that pip installed both into."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--no-index"]
    paths = [str(wheel.path) for wheel in wheels.values()]
    subprocess.run([*pip, "--target", str(folder), *paths], capture_output=True, timeout=60, check=True)
    return folder


def sources(package: str) -> Iterator[str]:
    """The files of a package as they lie in the work tree."""
    folder = PROJECTS[package] / "src"
    for file in (folder / package).rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(folder).as_posix()


def test_a_wheel_has_every_file_of_its_package_and_no_others(wheel: Wheel) -> None:
    packed = {file for file in wheel.files if ".dist-info/" not in file}
    assert packed == set(sources(wheel.package))
    assert f"{wheel.package}/py.typed" in packed
    assert not [
        file for file in packed if Path(file).name.startswith(("test_", "conftest")) or "tests" in Path(file).parts
    ]


def test_a_wheel_has_its_license_and_readme(wheel: Wheel) -> None:
    assert wheel.about("licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert wheel.metadata["License-Expression"] == "MIT"
    assert wheel.metadata["Description-Content-Type"] == "text/markdown"
    assert str(wheel.metadata.get_payload()).strip()


def test_a_wheel_declares_its_entry_points(wheel: Wheel) -> None:
    declared = ConfigParser(delimiters="=")
    declared.optionxform = str  # type: ignore[assignment,method-assign]  # names are case-sensitive
    declared.read_string(wheel.about("entry_points.txt"))
    assert {group: dict(declared[group]) for group in declared.sections()} == ENTRY_POINTS[wheel.package]


def test_requirements_are_floors(wheel: Wheel) -> None:
    """An upper bound or an exact pin is how dependency fights begin; the stock distro pins its SDK exactly."""
    operators = {specifier.operator for requirement in wheel.requirements for specifier in requirement.specifier}
    assert operators <= {">="}
    assert "opentelemetry-distro" not in wheel.about("METADATA")


def test_the_core_asks_for_few_packages(wheels: dict[str, Wheel]) -> None:
    assert {requirement.name for requirement in wheels["langfuse_otel"].requirements} == {
        "opentelemetry-api",
        "opentelemetry-sdk",
        "opentelemetry-instrumentation",
        "requests",
        "wrapt",
        "msgspec",
        "typing-extensions",  # which opentelemetry-api asks for as well
    }


def run(installed: Path, *arguments: str) -> str:
    """A program that finds the installed folder first, far from the work tree."""
    env = {**os.environ, "PYTHONPATH": str(installed)}
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=installed.parent,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.strip()


@pytest.mark.parametrize("package", PROJECTS)
def test_a_wheel_is_imported_from_where_pip_put_it(package: str, installed: Path) -> None:
    assert Path(run(installed, "-c", f"import {package}; print({package}.__file__)")).parent == installed / package


def test_the_installed_package_traces(installed: Path) -> None:
    """One span through the installed exporter to a listener, with the metadata that pip wrote."""
    code = """
from importlib.metadata import distribution
import langfuse_otel
from langfuse_otel.cli.doctor.listener import listening
from opentelemetry import trace
with listening() as langfuse:
    tracing = langfuse_otel.configure(public_key="pk-lf-1", secret_key="sk-lf-1", base_url=langfuse.url)
    trace.get_tracer("app").start_span("work").end()
    assert tracing.flush(20)
    print(bool(langfuse.posted), distribution("langfuse-otel").locate_file(""))
"""
    assert run(installed, "-c", code) == f"True {installed}"


def test_the_installed_command_runs(wheels: dict[str, Wheel], installed: Path) -> None:
    metadata = wheels["langfuse_otel"].metadata
    assert run(installed, "-m", "langfuse_otel", "--version") == f"langfuse-otel {metadata['Version']}"
    assert any(file.name.startswith("langfuse-otel") for file in (installed / "bin").iterdir())

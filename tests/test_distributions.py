"""Every instrumentation distribution has the same skeleton, and is as small as it can be."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DISTRIBUTIONS = sorted(path for path in (ROOT / "instrumentations").iterdir() if (path / "src").is_dir())
# Lines, all counted: one library may not grow into another toolkit.
MOST_LINES = {"openai": 500, "anthropic": 300, "google-genai": 300, "bedrock": 300, "langchain": 300}

each = pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda path: path.name)


def package_of(distribution: Path) -> Path:
    (package,) = (distribution / "src").iterdir()
    return package


@each
def test_the_files_are_where_they_are_in_the_others(distribution: Path) -> None:
    package = package_of(distribution)
    assert package.name == f"langfuse_otel_{distribution.name.replace('-', '_')}"
    for name in ("README.md", "LICENSE", "pyproject.toml", "tests/conftest.py", "tests/test_contract.py"):
        assert (distribution / name).is_file(), name
    for name in ("__init__.py", "instrumentor.py", "package.py", "py.typed"):
        assert (package / name).is_file(), name


@each
def test_it_exports_one_instrumentor(distribution: Path) -> None:
    package = import_module(package_of(distribution).name)
    (name,) = package.__all__
    instrumentor = getattr(package, name)
    assert name.endswith("Instrumentor")
    assert instrumentor.scope == package.__name__
    assert instrumentor.__doc__
    assert instrumentor.supported == import_module(f"{package.__name__}.package").SUPPORTED


@each
def test_the_distribution_declares_the_versions_and_the_entry_point(distribution: Path) -> None:
    package = package_of(distribution).name
    declared = (distribution / "pyproject.toml").read_text(encoding="utf-8")
    supported = ", ".join(map(json.dumps, import_module(f"{package}.package").SUPPORTED))
    (name,) = import_module(package).__all__
    assert f"instruments-any = [{supported}]" in declared
    assert f'\nlangfuse_{distribution.name.replace("-", "_")} = "{package}:{name}"\n' in declared
    assert 'dependencies = ["langfuse-otel>=0.1"]' in declared


@each
def test_it_is_known_to_the_whole(distribution: Path) -> None:
    root = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\n{distribution.name} = ["langfuse-otel-{distribution.name}"' in root
    assert f'"instrumentations/{distribution.name}/src"' in root


def test_importing_them_imports_no_client() -> None:
    packages = [package_of(distribution).name for distribution in DISTRIBUTIONS]
    clients = ("openai", "anthropic", "google.genai", "boto3", "botocore", "langchain_core")
    code = f"import sys, {', '.join(packages)}; print([name for name in {clients} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100)
    assert ran.stdout.strip() == "[]"


@each
def test_it_stays_small(distribution: Path) -> None:
    files = package_of(distribution).rglob("*.py")
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) <= MOST_LINES[distribution.name]


@each
def test_it_uses_the_toolkit_and_no_other_part(distribution: Path) -> None:
    for path in package_of(distribution).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("langfuse_otel."):
                assert (node.module or "").startswith("langfuse_otel.instrumentation"), (path, node.module)

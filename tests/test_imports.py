"""The house: each module of ``langfuse_otel`` imports only from the layers below its own (docs: CONTRIBUTING.md)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "langfuse_otel"

LAYERS: dict[str, int] = {
    **dict.fromkeys(
        (
            "errors",
            "setting_values",
            "settings",
            "tally",
            "clock",
            "fork",
            "uwsgi",
            "redact",
            "log",
            "context",
            "provenance",
        ),
        0,
    ),
    **dict.fromkeys(
        (
            "json_encoding",
            "json_safe",
            "identity_cache",
            "private_directory",
            "metering",
            "hook",
            "http_deadline",
            "context_block",
            "score_attributes",
        ),
        0,
    ),
    **dict.fromkeys(("http", "resilience", "observation"), 1),
    **dict.fromkeys(("conventions", "wire", "prompts", "policy", "media"), 2),
    "transport": 3,
    "selection": 1,
    "observer": 3,
    "tracing": 2,
    "unfinished": 2,
    "delivery": 4,  # sees only the protocol of the transport
    **dict.fromkeys(("telemetry", "prompt_telemetry"), 5),
    **dict.fromkeys(("exporter", "processor", "serverless"), 6),
    "instrumentation": 1,  # the toolkit: L0 and OpenTelemetry only
    "server": 1,  # beside the client: imports L0 only
    **dict.fromkeys(("configure", "distro", "environment_variables", "cli", "__init__", "__main__"), 7),
}
# Optional libraries are imported in one place each.
ONLY_HERE = {
    **{name: {"server"} for name in ("starlette", "uvicorn", "jinja2", "opentelemetry.proto", "google.protobuf")},
    **{name: {"http", "http_deadline"} for name in ("requests", "urllib3")},
    "redis": {"prompts"},
    "langchain_core": {"prompts"},
}
CORE = {"opentelemetry", "typing_extensions", "msgspec", "wrapt", "requests", "langfuse_otel", "langfuse_otel_openai"}


def part_of(module: Path) -> str:
    """The name in LAYERS that a file belongs to."""
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


MODULES = sorted(SOURCE.rglob("*.py"))


def imports_of(module: Path) -> list[str]:
    """Every module that a file imports, also inside functions."""
    found = []
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            base = node.module or ""
            found += [f"{base}.{name.name}" if base == "langfuse_otel" else base for name in node.names]
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(SOURCE)))
def test_a_module_imports_only_from_lower_layers(module: Path) -> None:
    mine = part_of(module)
    for name in imports_of(module):
        if not name.startswith("langfuse_otel."):
            continue
        theirs = name.split(".")[1]
        if theirs == mine or (mine == "cli" and theirs == "server" and module.name == "server.py"):
            continue
        assert LAYERS[theirs] < LAYERS[mine] or (LAYERS[mine] == LAYERS[theirs] in (0, 7)), (
            f"{mine} (L{LAYERS[mine]}) imports {theirs} (L{LAYERS[theirs]})"
        )
        if theirs == "server":
            assert module.name == "server.py", "only cli/server.py imports the server"


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(SOURCE)))
def test_third_party_libraries_are_declared_and_kept_in_their_place(module: Path) -> None:
    mine = part_of(module)
    for name in imports_of(module):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names:
            continue
        optional = next((prefix for prefix in ONLY_HERE if f"{name}.".startswith(f"{prefix}.")), None)
        if optional:
            assert mine in ONLY_HERE[optional], f"{optional} belongs in {ONLY_HERE[optional]}"
        else:
            assert top in CORE, f"{top} is not a dependency of the core"


def test_delivery_sees_only_the_protocol_of_the_transport() -> None:
    for module in (SOURCE / "delivery").glob("*.py"):
        for name in imports_of(module):
            if name.startswith("langfuse_otel.transport"):
                assert name in ("langfuse_otel.transport.base", "langfuse_otel.transport.outcome"), (module, name)


def test_the_toolkit_imports_only_the_ground_floor() -> None:
    for module in (SOURCE / "instrumentation").rglob("*.py"):
        for name in imports_of(module):
            if name.startswith("langfuse_otel."):
                theirs = name.split(".")[1]
                assert theirs == "instrumentation" or LAYERS[theirs] == 0, (module, name)


def test_the_environment_is_read_in_settings_only() -> None:
    """Except where it is set for a child: the distro, ``run`` and what ``doctor`` reports about."""
    allowed = {"settings.py", "distro.py", "cli/run.py"}
    for module in MODULES:
        path = str(module.relative_to(SOURCE))
        if path in allowed or path.startswith("cli/doctor"):
            continue
        assert "os.environ" not in module.read_text(), path
        assert "getenv" not in module.read_text(), path


def test_types_are_looked_into_before_there_are_threads() -> None:
    """msgspec 0.22 crashes the process where two threads do so for the first time at the same instant: each type has a
    ``Decoder``, made by the import of its module; or, in the server, by one thread at a time.
    """
    for module in MODULES:
        if module.name == "typed.py":
            continue
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("msgspec.json.decode", "msgspec.convert"):
                typed = [ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "type"]
                typed += [ast.unparse(node.args[1])] if "convert" in ast.unparse(node.func) else []
                assert set(typed) <= {"datetime.datetime"}, f"{module}:{node.lineno}"


def test_no_module_holds_two_ideas() -> None:
    """Over 400 lines needs a reason, written here."""
    reasons = {"settings.py": "one table of all settings and its loader"}
    for module in MODULES:
        lines = len(module.read_text().splitlines())
        assert lines <= 400 or str(module.relative_to(SOURCE)) in reasons, f"{module}: {lines} lines"


def test_init_files_only_re_export() -> None:
    for module in MODULES:
        if module.name == "__init__.py":
            assert len(module.read_text().splitlines()) <= 65, module

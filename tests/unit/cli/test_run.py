"""``langfuse-otel run``: the program that is asked for, in an environment that traces it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from langfuse_otel.cli.run import auto_instrumentation_folder, instrumented

SHOW = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv]))"
BIN = str(Path(sys.executable).parent)
FOREIGN = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai"}  # the official one imports its client, half a second


def run(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """``langfuse-otel run`` in a process of its own, without what the test's environment may choose."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGFUSE_"))}
    return subprocess.run(
        [sys.executable, "-m", "langfuse_otel", "run", *command],
        env={**clean, **FOREIGN, "PATH": BIN, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def child_of(process: subprocess.CompletedProcess[str]) -> tuple[dict[str, str], list[str]]:
    assert process.returncode == 0, process.stderr
    environment, arguments = json.loads(process.stdout.splitlines()[-1])
    return environment, arguments


def test_chooses_our_distro_configurator_and_exporters() -> None:
    env, _ = child_of(run("--", "python", "-c", SHOW))
    chosen = {name: value for name, value in env.items() if name.startswith("OTEL_") and name not in FOREIGN}
    assert chosen == {
        "OTEL_PYTHON_DISTRO": "langfuse",
        "OTEL_PYTHON_CONFIGURATOR": "langfuse",
        "OTEL_TRACES_EXPORTER": "langfuse",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK": "langfuse",
    }


def test_what_is_set_already_wins() -> None:
    env = instrumented({"OTEL_PYTHON_DISTRO": "theirs", "OTEL_TRACES_EXPORTER": "console,langfuse"})
    assert env["OTEL_PYTHON_DISTRO"] == "theirs"
    assert env["OTEL_TRACES_EXPORTER"] == "console,langfuse"
    assert env["OTEL_PYTHON_CONFIGURATOR"] == "langfuse"


def test_a_completion_hook_that_is_set_already_wins() -> None:
    hook = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
    assert instrumented({hook: "upload"})[hook] == "upload"


def test_content_is_put_on_no_spans_that_do_not_go_to_langfuse() -> None:
    assert "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK" not in instrumented({"OTEL_TRACES_EXPORTER": "console"})


def test_an_empty_variable_counts_as_unset() -> None:
    assert instrumented({"OTEL_TRACES_EXPORTER": " "})["OTEL_TRACES_EXPORTER"] == "langfuse"


def test_says_when_the_exporter_that_is_set_is_not_ours() -> None:
    process = run("--", "python", "-c", "pass", OTEL_TRACES_EXPORTER="console")
    assert "OTEL_TRACES_EXPORTER=console is set, so no trace goes to Langfuse" in process.stderr
    assert process.returncode == 0


@pytest.mark.parametrize("given", [["--", "python"], ["python"]])
def test_the_program_gets_its_arguments_as_they_stand(given: list[str]) -> None:
    _, arguments = child_of(run(*given, "-c", SHOW, "--help", "--", "a b", ""))
    assert arguments == ["-c", "--help", "--", "a b", ""]


def test_runs_modules(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(SHOW)
    inherited = os.environ.get("PYTHONPATH", "")
    env, arguments = child_of(
        run("--", "python", "-m", "app", "x", PYTHONPATH=os.pathsep.join([inherited, str(tmp_path)]))
    )
    assert arguments[1:] == ["x"]
    assert env["PYTHONPATH"].split(os.pathsep)[-1] == str(tmp_path)


def test_runs_commands_that_start_python_themselves() -> None:
    env, _ = child_of(run("--", "/bin/sh", "-c", f"{BIN}/python -c '{SHOW}'"))
    assert env["OTEL_PYTHON_DISTRO"] == "langfuse"


def test_auto_instrumentation_comes_first_on_the_path_and_once() -> None:
    folder = auto_instrumentation_folder()
    assert (Path(folder) / "sitecustomize.py").is_file()
    path = instrumented({"PYTHONPATH": os.pathsep.join(["/mine", folder])})["PYTHONPATH"].split(os.pathsep)
    assert path[0] == folder
    assert path.count(folder) == 1
    assert path[-1] == "/mine"


def test_finds_a_command_of_its_own_environment_last() -> None:
    process = run("--", Path(sys.executable).name, "-c", "print('found')", PATH="/nonexistent")
    assert process.stdout.strip() == "found", process.stderr


def test_the_exit_status_is_the_program_s() -> None:
    assert run("--", "python", "-c", "raise SystemExit(7)").returncode == 7


@pytest.mark.skipif(os.name == "nt", reason="no signals")
def test_a_signal_that_ends_the_program_ends_us() -> None:
    assert run("--", "python", "-c", "import os; os.kill(os.getpid(), 15)").returncode == -15


def test_a_command_that_does_not_exist_is_127_as_in_a_shell() -> None:
    process = run("--", "no-such-command")
    assert process.returncode == 127
    assert process.stderr.strip() == "langfuse-otel run: no-such-command: command not found"


@pytest.mark.skipif(os.name == "nt", reason="no executable bit")
def test_a_file_that_is_no_program_is_126_as_in_a_shell(tmp_path: Path) -> None:
    file = tmp_path / "noise"
    file.write_bytes(b"\x00\x01")
    file.chmod(0o755)
    process = run("--", str(file))
    assert process.returncode == 126
    assert str(file) in process.stderr


def test_no_command_is_a_wrong_command_line() -> None:
    process = run("--")
    assert process.returncode == 2
    assert "langfuse-otel run -- python app.py" in process.stderr

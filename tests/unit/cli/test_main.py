"""The command line's entrance."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from langfuse_otel.cli.main import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main([command, "--help"])
    assert raised.value.code == 0
    assert f"langfuse-otel {command}" in capsys.readouterr().out


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for command, (module, summary) in COMMANDS.items():
        assert f"{command:<8}{summary}" in shown
        assert callable(import_module(module).main)


@pytest.mark.parametrize("arguments", [[], ["dance"]])
def test_a_wrong_command_line_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert "usage: langfuse-otel" in capsys.readouterr().err


def test_only_the_command_that_runs_is_imported() -> None:
    code = (
        "import sys\nfrom langfuse_otel.cli.main import main\n"
        "status = main(['run', 'no-such-command'])\n"
        "heavy = {'requests', 'opentelemetry.sdk', 'starlette', 'langfuse_otel.cli.doctor.command'}\n"
        "print(status, sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert shown.stdout.strip() == "127 []", shown.stderr

"""``langfuse-otel server``, as a user runs it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

COMMAND = [sys.executable, "-m", "langfuse_otel", "server"]


def exports(process: subprocess.Popen[str]) -> dict[str, str]:
    """The variables that it prints."""
    found: dict[str, str] = {}
    assert process.stdout is not None
    while len(found) < 3:
        line = process.stdout.readline()
        assert line, "it ended"
        said = re.match(r"export (\w+)=(\S+)", line)
        if said:
            found[said[1]] = said[2]
    return found


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_what_to_export_serves_and_ends_on_a_signal(tmp_path: Path, ending: signal.Signals) -> None:
    command = [*COMMAND, "--port", "0", "--data", "data.db"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        env = exports(process)
        keys = (env["LANGFUSE_PUBLIC_KEY"], env["LANGFUSE_SECRET_KEY"])
        answer = requests.get(f"{env['LANGFUSE_BASE_URL']}/api/public/projects", auth=keys, timeout=10)
        assert answer.status_code == 200
        process.send_signal(ending)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert (tmp_path / "data.db").exists()


def test_a_taken_port_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run([*COMMAND, "--port", port], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert f"Port {port} of 127.0.0.1 cannot be used" in ended.stderr


def test_a_data_file_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database" * 100)
    command = [*COMMAND, "--port", "0", "--data", "notes.txt"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "notes.txt cannot be used as data file" in ended.stderr


def test_it_serves_this_machine_only(tmp_path: Path) -> None:
    ended = subprocess.run([*COMMAND, "--host", "0.0.0.0"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "invalid choice" in ended.stderr


def test_without_its_extra_it_names_the_extra(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['starlette'] = None\n"
        "from langfuse_otel.cli.main import main\nsys.exit(main(['server', '--port', '0']))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "pip install 'langfuse-otel[server]'" in ended.stderr

"""The report as a whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from langfuse_otel.cli.doctor import command
from langfuse_otel.cli.doctor.finding import Finding, fault, note, ok
from langfuse_otel.server.run import LocalServer


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """The findings of the one group that is run."""
    found: list[Finding] = []
    monkeypatch.setattr(command, "GROUPS", {"stars": lambda env: iter(found)})
    return found


def test_all_well_is_said_only_without_notes(group: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    group += [ok("moon", "is full")]
    assert command.main([]) == 0
    assert capsys.readouterr().out.endswith("\n\nAll well.\n")


def test_notes_are_status_0(group: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    group += [ok("moon", "is full"), note("mars", "is red", "Wait")]
    assert command.main([]) == 0
    assert capsys.readouterr().out == (
        "stars\n  ok    moon: is full\n  note  mars: is red\n        fix: Wait\n\n0 faults, 1 note.\n"
    )


def test_a_fault_is_status_1_and_has_its_fix(group: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    group += [fault("sun", "is dark", "Turn it on")]
    assert command.main([]) == 1
    assert "  fault sun: is dark\n        fix: Turn it on\n\n1 fault, 0 notes.\n" in capsys.readouterr().out


def test_json_has_the_same(group: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    group += [ok("moon", "is full"), fault("sun", "is dark", "Turn it on")]
    assert command.main(["--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert report["faults"] == 1
    assert report["checks"][1] == {
        "group": "stars",
        "name": "sun",
        "outcome": "fault",
        "detail": "is dark",
        "fix": "Turn it on",
    }


def test_a_check_that_breaks_is_a_fault_and_does_not_hide_the_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(env: Mapping[str, str]) -> Iterator[Finding]:
        yield ok("first", "well")
        raise RuntimeError("key sk-lf-0123456789abcdef")

    monkeypatch.setattr(command, "GROUPS", {"broken": broken, "next": lambda env: iter([ok("second", "well")])})
    assert command.main([]) == 1
    shown = capsys.readouterr().out
    assert "the check itself failed: RuntimeError" in shown
    assert "second: well" in shown
    assert "0123456789" not in shown


def test_secrets_in_a_finding_are_masked(group: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    group += [fault("key", "sk-lf-0123456789abcdef is wrong", "Use another than sk-lf-0123456789abcdef")]
    command.main(["--json"])
    assert "0123456789" not in capsys.readouterr().out


def test_the_secrets_that_are_set_are_masked_whatever_they_look_like(
    group: list[Finding], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "hush")
    group += [fault("auth", "the server said: hush is unknown", "Use another than hush")]
    command.main([])
    assert "hush" not in capsys.readouterr().out


def doctor(**env: str) -> subprocess.CompletedProcess[str]:
    """The command as a user calls it; no address but one where nobody listens."""
    return subprocess.run(
        [sys.executable, "-m", "langfuse_otel", "doctor", "--json"],
        env={
            **os.environ,
            "LANGFUSE_BASE_URL": "http://127.0.0.1:9",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai",  # the official one imports its client, half a second
            **env,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_reports_even_where_opentelemetry_cannot_be_imported() -> None:
    ended = doctor(OTEL_PROPAGATORS="no-such-propagator")
    assert (ended.returncode, ended.stderr) == (1, "")
    faults = {check["name"]: check for check in json.loads(ended.stdout)["checks"] if check["outcome"] == "fault"}
    assert faults["OTEL_PROPAGATORS"]["fix"].startswith("Unset OTEL_PROPAGATORS")
    assert "no-such-propagator" in faults["server"]["detail"]


def test_half_a_pair_of_keys_and_a_server_that_is_away_are_faults_that_name_what_to_change() -> None:
    ended = doctor(LANGFUSE_PUBLIC_KEY="pk-lf-1", OTEL_EXPORTER_LANGFUSE_WIRE="otlp")
    assert ended.returncode == 1
    faults = {check["name"]: check for check in json.loads(ended.stdout)["checks"] if check["outcome"] == "fault"}
    assert set(faults) == {"keys", "reach"}
    assert faults["keys"]["detail"].startswith("LANGFUSE_SECRET_KEY is not set")
    assert "LANGFUSE_BASE_URL" in faults["reach"]["fix"]


def test_a_good_set_up_has_no_fault(local_server: LocalServer) -> None:
    ended = doctor(
        LANGFUSE_BASE_URL=local_server.base_url,
        LANGFUSE_PUBLIC_KEY=local_server.public_key,
        LANGFUSE_SECRET_KEY=local_server.secret_key,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    report = json.loads(ended.stdout)
    assert {check["group"] for check in report["checks"]} == set(command.GROUPS)
    assert {"reach", "auth", "wire"} <= {check["name"] for check in report["checks"] if check["outcome"] == "ok"}
    assert local_server.secret_key not in ended.stdout

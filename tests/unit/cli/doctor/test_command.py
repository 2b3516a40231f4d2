"""The report as a whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest

from langfuse_otel.cli.doctor import command
from langfuse_otel.cli.doctor.finding import Finding, fault, note, ok


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """The findings of the one group that is run."""
    found: list[Finding] = []
    monkeypatch.setattr(command, "GROUPS", {"stars": lambda env: iter(found)})
    return found


def test_all_well_is_status_0(group: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    group += [ok("moon", "is full"), note("mars", "is red", "Wait")]
    assert command.main([]) == 0
    assert capsys.readouterr().out == (
        "stars\n  ok    moon: is full\n  note  mars: is red\n        fix: Wait\n\nAll well.\n"
    )


def test_a_fault_is_status_1_and_has_its_fix(group: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    group += [fault("sun", "is dark", "Turn it on")]
    assert command.main([]) == 1
    assert "  fault sun: is dark\n        fix: Turn it on\n\n1 fault.\n" in capsys.readouterr().out


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

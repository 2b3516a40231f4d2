"""The command: runs all groups of checks, prints what they found, fails when one found a fault."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module

from langfuse_otel.cli.doctor.finding import Finding, Outcome, fault
from langfuse_otel.redact import MASK, redact
from langfuse_otel.settings import SETTINGS

Check = Callable[[Mapping[str, str]], Iterator[Finding]]


def _checks_of(module: str) -> Check:
    """A group's checks, imported when its turn comes: what breaks in an import is then a finding like any other."""

    def check(env: Mapping[str, str]) -> Iterator[Finding]:
        found: Iterator[Finding] = import_module(f"langfuse_otel.cli.doctor.{module}").check(env)
        return found

    return check


GROUPS: Mapping[str, Check] = {
    "settings": _checks_of("settings"),
    "variables": _checks_of("variables"),
    "server": _checks_of("reach"),
    "delivery": _checks_of("delivery"),
    "discovery": _checks_of("discovery"),
    "surroundings": _checks_of("surroundings"),
    "clients": _checks_of("clients"),
    "proof": _checks_of("proof"),
}


def main(arguments: Sequence[str]) -> int:
    """Print the report; 1 when there is a fault in it, else 0."""
    parser = argparse.ArgumentParser(
        prog="langfuse-otel doctor",
        description="Check keys, server, OpenTelemetry's set-up and LLM clients. Exits with 1 when there is a fault.",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    as_json = parser.parse_args(arguments).json
    found: dict[str, list[Finding]] = {}
    for group, check in GROUPS.items():
        if not as_json:
            print(group, flush=True)
        found[group] = []
        for finding in _safely(group, check):
            found[group].append(finding)
            if not as_json:
                print(_line(finding), flush=True)
    outcomes = [finding.outcome for findings in found.values() for finding in findings]
    faults, notes = outcomes.count(Outcome.FAULT), outcomes.count(Outcome.NOTE)
    if as_json:
        print(_json(found, faults))
    else:
        print(f"\n{_number(faults, 'fault')}, {_number(notes, 'note')}." if faults or notes else "\nAll well.")
    return 1 if faults else 0


def _safely(group: str, check: Check) -> Iterator[Finding]:
    """The findings, redacted; a check that breaks is a finding too and does not hide the other groups."""
    try:
        for finding in check(os.environ):
            yield dataclasses.replace(finding, detail=_masked(finding.detail), fix=_masked(finding.fix))
    except Exception as error:
        problem = f"the check itself failed: {type(error).__name__}: {_masked(str(error))}"
        fix = "Mend what is named elsewhere; if this stays, please report it with the output of `doctor --json`"
        yield fault(group, problem, fix)


def _masked(text: str) -> str:
    """Without what looks like a secret, and without our own ones, which may look like anything."""
    for setting in SETTINGS:
        secret = os.environ.get(setting.env, "").strip() if setting.secret else ""
        if secret:
            text = text.replace(secret, MASK)
    return redact(text)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _line(finding: Finding) -> str:
    line = f"  {finding.outcome.value:<6}{finding.name}: {finding.detail}"
    return f"{line}\n        fix: {finding.fix}" if finding.fix else line


def _json(found: Mapping[str, Sequence[Finding]], faults: int) -> str:
    checks = [
        {"group": group, **dataclasses.asdict(finding)} for group, findings in found.items() for finding in findings
    ]
    return json.dumps({"ok": not faults, "faults": faults, "checks": checks}, indent=2)

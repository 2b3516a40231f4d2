"""The command: runs all groups of checks, prints what they found, fails when one found a fault."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from langfuse_otel.cli.doctor import clients, discovery, proof, reach, settings, surroundings
from langfuse_otel.cli.doctor.finding import Finding, Outcome, fault
from langfuse_otel.redact import redact

Check = Callable[[Mapping[str, str]], Iterator[Finding]]

GROUPS: Mapping[str, Check] = {
    "settings": settings.check,
    "server": reach.check,
    "discovery": discovery.check,
    "surroundings": surroundings.check,
    "clients": clients.check,
    "proof": proof.check,
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
    faults = sum(finding.outcome is Outcome.FAULT for findings in found.values() for finding in findings)
    if as_json:
        print(_json(found, faults))
    else:
        print("\nAll well." if not faults else f"\n{faults} fault{'s' if faults > 1 else ''}.")
    return 1 if faults else 0


def _safely(group: str, check: Check) -> Iterator[Finding]:
    """The findings, redacted; a check that breaks is a finding too and does not hide the other groups."""
    try:
        for finding in check(os.environ):
            yield dataclasses.replace(finding, detail=redact(finding.detail), fix=redact(finding.fix))
    except Exception as error:
        problem = f"the check itself failed: {type(error).__name__}: {redact(str(error))}"
        yield fault(group, problem, "Please report it with the output of `langfuse-otel doctor --json`")


def _line(finding: Finding) -> str:
    line = f"  {finding.outcome.value:<6}{finding.name}: {finding.detail}"
    return f"{line}\n        fix: {finding.fix}" if finding.fix else line


def _json(found: Mapping[str, Sequence[Finding]], faults: int) -> str:
    checks = [
        {"group": group, **dataclasses.asdict(finding)} for group, findings in found.items() for finding in findings
    ]
    return json.dumps({"ok": not faults, "faults": faults, "checks": checks}, indent=2)

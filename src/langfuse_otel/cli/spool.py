"""``langfuse-otel spool``: what waits on this machine's disk, and what to do with it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from langfuse_otel import settings
from langfuse_otel.delivery.assembly import spool_project
from langfuse_otel.delivery.spool import inspection as spool_inspection
from langfuse_otel.delivery.spool.directory import project_hash
from langfuse_otel.delivery.spool.error import SpoolError
from langfuse_otel.delivery.spool.inspection import OwnerReport, ProjectReport
from langfuse_otel.delivery.status import State
from langfuse_otel.errors import SettingsError
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.tally import Cause

_LOOK_EVERY_S = 0.1


def main(arguments: Sequence[str]) -> int:
    """Do what is asked; 1 when ``verify`` finds damage, ``send`` does not send all, or the directory cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        options.directory = (options.directory or settings.load().spool_path).absolute()
        command: Callable[[list[Path], argparse.Namespace], int] = options.run
        return command(spool_inspection.projects(options.directory), options)
    except (SpoolError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--directory", type=Path, metavar="D", help="of the spool; default: that of the settings")
    common.add_argument("--json", action="store_true", help="print JSON")
    parser = argparse.ArgumentParser(
        prog="langfuse-otel spool",
        description='Spans that wait on disk with delivery="at_least_once". What a living process has is left to it.',
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, run, text in (
        ("list", _list, "show projects, owners, rows, and what was refused with the reason"),
        ("verify", _verify, "read everything that no living process has; exits with 1 when some of it is damaged"),
        ("send", _send, "send what waits for the project of the environment's keys; exits with 1 unless all was sent"),
        ("retry", _retry, "let the refused spans be sent again by the next process"),
        ("purge", _purge, "delete all that no living process has, undelivered"),
    ):
        command = commands.add_parser(name, parents=[common], help=text, description=text)
        command.set_defaults(run=run)
        if run is _send:
            command.add_argument(
                "--timeout", type=float, default=60.0, metavar="S", help="seconds; default: %(default)g"
            )
        if run is _purge:
            command.add_argument("--yes", action="store_true", help="without it, nothing is deleted")
    return parser


def _list(projects: list[Path], options: argparse.Namespace) -> int:
    _print([spool_inspection.inspect(project, thoroughly=False) for project in projects], as_json=options.json)
    return 0


def _verify(projects: list[Path], options: argparse.Namespace) -> int:
    reports = [spool_inspection.inspect(project, thoroughly=True) for project in projects]
    _print(reports, as_json=options.json)
    return int(any(report.problems or any(owner.problems for owner in report.owners) for report in reports))


def _send(projects: list[Path], options: argparse.Namespace) -> int:
    chosen = settings.load(delivery="at_least_once", spool_directory=str(options.directory))
    chosen.require_keys()
    project = options.directory / project_hash(spool_project(chosen))
    if project not in projects:
        print(json.dumps({"sent": 0, "refused": 0, "left": 0}) if options.json else "Nothing waits.")
        return 0
    deadline = time.monotonic() + options.timeout
    exporter = LangfuseSpanExporter(delivery="at_least_once", spool_directory=str(options.directory))
    while time.monotonic() < deadline and spool_inspection.undelivered_files(project):
        if exporter.status().state in (State.HELD, State.DISABLED):
            break
        time.sleep(_LOOK_EVERY_S)
    exporter.shutdown()
    status = exporter.status()
    report = spool_inspection.inspect(project, thoroughly=False)
    left = sum(owner.rows or 0 for owner in report.owners if not owner.alive)
    sent, refused = status.counts.get(Cause.DELIVERED.value, 0), status.counts.get(Cause.REFUSED.value, 0)
    if options.json:
        print(json.dumps({"sent": sent, "refused": refused, "left": left}))
    else:
        print(f"{sent} spans sent, {refused} refused, {left} left.")
    if left and status.last_error:
        print(f"Last error: {status.last_error}", file=sys.stderr)
    return int(bool(left or refused))


def _retry(projects: list[Path], options: argparse.Namespace) -> int:
    rows = sum(spool_inspection.retry(project) for project in projects)
    print(json.dumps({"rows": rows}) if options.json else f"{rows} spans will be sent again.")
    return 0


def _purge(projects: list[Path], options: argparse.Namespace) -> int:
    if not options.yes:
        print("This deletes spans that were not delivered. Add --yes to do it.", file=sys.stderr)
        return 1
    deleted = sum(spool_inspection.purge(project) for project in projects)
    print(json.dumps({"files": deleted}) if options.json else f"{deleted} files deleted.")
    return 0


def _print(reports: list[ProjectReport], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_plain(report) for report in reports]))
        return
    if not reports:
        print("Nothing waits.")
    for report in reports:
        print(f"project {report.project}")
        for owner in report.owners:
            print(f"  {_line(owner)}")
            for problem in owner.problems:
                print(f"    damaged: {problem}")
        for row in report.quarantined:
            print(f"  refused   {row.body_bytes} bytes, put {_time(row.stored_ms / 1000)}: {row.reason}")
        for name in report.set_aside:
            print(f"  set aside {name}")
        for problem in report.problems:
            print(f"  damaged: {problem}")


def _plain(report: ProjectReport) -> dict[str, object]:
    return dataclasses.asdict(report) | {"quarantined": [row._asdict() for row in report.quarantined]}


def _line(owner: OwnerReport) -> str:
    state = (f"process {owner.pid}" if owner.pid else "a process") if owner.alive else "no process"
    rows = "?" if owner.rows is None else owner.rows
    oldest = f", oldest put {_time(owner.oldest_at)}" if owner.oldest_at else ""
    return f"{owner.owner}  {state}, {rows} spans, {owner.size_bytes} bytes{oldest}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")

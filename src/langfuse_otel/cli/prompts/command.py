"""The command line, and what its exit status says: scripts need not read what was printed."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from contextlib import closing

from langfuse_otel.cli.prompts import edit, fleet, read
from langfuse_otel.cli.prompts.outcome import Outcome, outcome_of, say
from langfuse_otel.errors import LangfuseError
from langfuse_otel.prompts.client import Prompts
from langfuse_otel.settings import Settings, load

_STATUSES = "\n".join(f"  {outcome.value}  {outcome.__doc__}" for outcome in Outcome)


def main(arguments: Sequence[str]) -> int:
    """Do one of the jobs; the exit status is an ``Outcome``'s value."""
    options = _parser().parse_args(arguments)
    try:
        settings = load()
        with closing(_client(settings)) as prompts:
            return int(options.job(prompts, options, settings))
    except LangfuseError as error:
        say(str(error))
        return outcome_of(error)
    except OSError as error:
        say(f"{error.filename or ''}: {error.strerror or error}".removeprefix(": "))
        return Outcome.FAILED
    except KeyboardInterrupt:
        return 130  # what a shell says of a program that was interrupted


def _client(settings: Settings) -> Prompts:
    """The client with its shared caches, and without what is for processes that serve: nothing is warmed by the way,
    and no old snapshot is needed to make a new one.
    """
    return Prompts.from_settings(dataclasses.replace(settings, prompts_to_warm=(), prompt_snapshot=None))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="langfuse-otel prompts",
        description="The prompts of the Langfuse project whose keys are in the environment.",
        epilog=f"exit status:\n{_STATUSES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    jobs = parser.add_subparsers(metavar="job", required=True)
    for add in (*read.JOBS, *edit.JOBS, *fleet.JOBS):
        job = add(jobs)
        job.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser

"""Jobs for a fleet of processes: export a snapshot into the image, warm the shared caches, make everybody forget."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from langfuse_otel.cli.prompts.outcome import Outcome, Progress, say, shown, worst_of
from langfuse_otel.cli.prompts.read import print_json
from langfuse_otel.errors import InvalidRequestError, LangfuseError, NotFoundError
from langfuse_otel.prompts import snapshot
from langfuse_otel.prompts.client import Prompts
from langfuse_otel.prompts.models import DEFAULT_LABEL, Prompt, Selector
from langfuse_otel.settings import Settings

_AT_ONCE = 8


def add_export(jobs: Any) -> argparse.ArgumentParser:
    """``export``: a snapshot file."""
    job: argparse.ArgumentParser = jobs.add_parser("export", help="write prompts into a snapshot file, all or nothing")
    job.add_argument("names", nargs="*", metavar="name", help="all that have the label by default")
    job.add_argument("--label", action="append", dest="labels", help="may be repeated; production by default")
    job.add_argument("--output", metavar="FILE", help="default: LANGFUSE_PROMPT_SNAPSHOT")
    job.set_defaults(job=_export)
    return job


def add_warm(jobs: Any) -> argparse.ArgumentParser:
    """``warm``: the shared caches."""
    job: argparse.ArgumentParser = jobs.add_parser("warm", help="read prompts into the caches that processes share")
    job.add_argument("names", nargs="*", metavar="name", help="default: LANGFUSE_PROMPTS_TO_WARM")
    job.add_argument("--label", help="the versions with this label; production by default")
    job.set_defaults(job=_warm)
    return job


def add_invalidate(jobs: Any) -> argparse.ArgumentParser:
    """``invalidate``: in every process that shares a cache."""
    job: argparse.ArgumentParser = jobs.add_parser("invalidate", help="have the caches that processes share forget")
    job.add_argument("names", nargs="+", metavar="name")
    job.set_defaults(job=_invalidate)
    return job


JOBS = (add_export, add_warm, add_invalidate)


def _export(prompts: Prompts, options: argparse.Namespace, settings: Settings) -> Outcome:
    path = options.output or settings.prompt_snapshot
    if path is None:
        raise InvalidRequestError("where to? Give --output FILE, or set LANGFUSE_PROMPT_SNAPSHOT", status=400)
    labels = options.labels or [DEFAULT_LABEL]
    names = {label: options.names or [one.name for one in prompts.list(label=label)] for label in labels}
    found, failed = _read(prompts, [Selector(name, label=label) for label in labels for name in names[label]])
    if not options.names:  # what was deleted, or lost its label, since it was listed, is not missing
        failed = {what: error for what, error in failed.items() if not isinstance(error, NotFoundError)}
    if failed:
        return _failed(options, failed, f"{path} is as it was")
    written = snapshot.write(path, found)
    _report(options, {"path": str(path), "prompts": written}, f"{written} prompts are in {path}")
    return Outcome.DONE


def _read(prompts: Prompts, selectors: Sequence[Selector]) -> tuple[list[Prompt], dict[str, Exception]]:
    """The prompts from the server, some at a time, and what could not be read."""
    found: list[Prompt] = []
    failed: dict[str, Exception] = {}
    progress = Progress(len(selectors), "export")
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        reads = [pool.submit(prompts.source, one.name, label=one.label, resolved=True) for one in selectors]
        for selector, read in zip(selectors, reads, strict=True):
            try:
                found.append(read.result())
            except LangfuseError as error:
                failed[str(selector)] = error
            progress.step(selector.name)
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C need not wait for all the others
    return found, failed


def _warm(prompts: Prompts, options: argparse.Namespace, settings: Settings) -> Outcome:
    names = [*dict.fromkeys(options.names or settings.prompts_to_warm)]
    if not names:
        raise InvalidRequestError("which? Give names, or set LANGFUSE_PROMPTS_TO_WARM", status=400)
    _warn_if_nothing_is_shared(settings)
    progress = Progress(len(names), "warm")
    warmed = prompts.warm(names, label=options.label, on_progress=lambda name, _: progress.step(name))
    failed = {name: outcome for name, outcome in warmed.items() if isinstance(outcome, Exception)}
    if failed:
        return _failed(options, failed, f"{len(names) - len(failed)} are warm")
    _report(options, {"warm": names}, f"{len(names)} prompts are warm")
    return Outcome.DONE


def _invalidate(prompts: Prompts, options: argparse.Namespace, settings: Settings) -> Outcome:
    for name in options.names:
        Selector(name)  # all of them or none
    _warn_if_nothing_is_shared(settings)
    progress = Progress(len(options.names), "invalidate")
    for name in options.names:
        prompts.invalidate(name)
        progress.step(name)
    _report(options, {"invalidated": options.names}, f"{len(options.names)} prompts are forgotten")
    return Outcome.DONE


def _warn_if_nothing_is_shared(settings: Settings) -> None:
    if settings.prompt_cache_path is None and settings.prompt_redis_url is None:
        variables = "LANGFUSE_PROMPT_CACHE_DIRECTORY or LANGFUSE_PROMPT_REDIS_URL"
        say(f"other processes notice nothing of it, as no cache is shared with them: set {variables}")


def _report(options: argparse.Namespace, result: dict[str, Any], line: str) -> None:
    if options.json:
        print_json(result)
    else:
        print(line)


def _failed(options: argparse.Namespace, failed: Mapping[str, Exception], rest: str) -> Outcome:
    if options.json:
        errors = {what: {"code": getattr(e, "code", "error"), "message": str(e)} for what, e in failed.items()}
        print_json({"failed": errors})
    for what, error in failed.items():
        say(f"{shown(what)}: {error}")
    say(f"{len(failed)} failed; {rest}")
    return worst_of(failed.values())

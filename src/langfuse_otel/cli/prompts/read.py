"""Jobs that only look: list, get, diff."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from langfuse_otel.cli.prompts.outcome import Outcome, shown
from langfuse_otel.prompts.body import body_of, content_body
from langfuse_otel.prompts.client import Prompts
from langfuse_otel.prompts.models import Prompt
from langfuse_otel.settings import Settings


def add_list(jobs: Any) -> argparse.ArgumentParser:
    """``list``: names, types, versions and labels."""
    job: argparse.ArgumentParser = jobs.add_parser("list", help="list prompts, with their versions and labels")
    job.add_argument("--label", help="only those that have it")
    job.add_argument("--tag", help="only those that have it")
    job.set_defaults(job=_list)
    return job


def add_get(jobs: Any) -> argparse.ArgumentParser:
    """``get``: the text, or the messages as JSON."""
    job: argparse.ArgumentParser = jobs.add_parser("get", help="print a prompt's text, or its messages as JSON")
    job.add_argument("name")
    which = job.add_mutually_exclusive_group()
    which.add_argument("--version", type=int, help="this version")
    which.add_argument("--label", help="the version with this label; production by default")
    job.add_argument("--raw", action="store_true", help="as it was written: included prompts stay tags")
    job.set_defaults(job=_get)
    return job


def add_diff(jobs: Any) -> argparse.ArgumentParser:
    """``diff``: what changed, and which variables callers have to give now."""
    job: argparse.ArgumentParser = jobs.add_parser("diff", help="show what differs between two versions of a prompt")
    job.add_argument("name")
    for side in ("before", "after"):
        text = "a version's number or a label; a label that is a number: label:7"
        job.add_argument(side, type=_which, help=text, metavar=side)
    job.set_defaults(job=_diff)
    return job


JOBS = (add_list, add_get, add_diff)


def print_json(value: Any) -> None:
    """A result for scripts."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _list(prompts: Prompts, options: argparse.Namespace, settings: Settings) -> Outcome:
    found = prompts.list(label=options.label, tag=options.tag)
    if options.json:
        print_json([*found])
        return Outcome.DONE
    for one in found:
        versions = f"{len(one.versions)} version{'' if len(one.versions) == 1 else 's'}"
        print(f"{shown(one.name):<40} {one.type or '':<4} {versions:<12} {', '.join(one.labels)}".rstrip())
    return Outcome.DONE


def _get(prompts: Prompts, options: argparse.Namespace, settings: Settings) -> Outcome:
    prompt = prompts.source(options.name, version=options.version, label=options.label, resolved=not options.raw)
    content = content_body(prompt.prompt)
    if options.json:
        print_json(body_of(prompt))
    elif isinstance(content, str):
        print(content)
    else:
        print_json(content)
    return Outcome.DONE


def _diff(prompts: Prompts, options: argparse.Namespace, settings: Settings) -> Outcome:
    before, after = (_source(prompts, options.name, which) for which in (options.before, options.after))
    found = before.diff(after)
    if options.json:
        print_json(found)
    elif found:
        print(found)
        for names, what in ((found.added, "have to be given now"), (found.removed, "are not used any more")):
            if names:
                print(f"{what}: {', '.join(names)}")
    return Outcome.DIFFERENT if found else Outcome.DONE


def _which(text: str) -> tuple[int | None, str | None]:
    kind, colon, rest = text.partition(":")
    if colon and kind == "label" and rest:
        return None, rest
    if colon and kind == "version":
        return int(rest), None
    return (int(text), None) if text.isascii() and text.isdigit() else (None, text)


def _source(prompts: Prompts, name: str, which: tuple[int | None, str | None]) -> Prompt:
    version, label = which
    return prompts.source(name, version=version, label=label)

"""Jobs that change a prompt: create, label."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from langfuse_otel.cli.prompts.outcome import Outcome, shown
from langfuse_otel.cli.prompts.read import print_json
from langfuse_otel.errors import InvalidRequestError, NotFoundError
from langfuse_otel.prompts.body import body_of
from langfuse_otel.prompts.client import Prompts
from langfuse_otel.prompts.models import ChatPrompt, Prompt, TextPrompt, chat_parts
from langfuse_otel.settings import Settings


def add_create(jobs: Any) -> argparse.ArgumentParser:
    """``create``: a new version, or with ``--if-changed`` the one there is."""
    job: argparse.ArgumentParser = jobs.add_parser("create", help="store a new version of a prompt")
    job.add_argument("name")
    job.add_argument("--file", default="-", help="its text; standard input by default; a last line break is left out")
    job.add_argument("--type", choices=("text", "chat"), default="text", help="chat: the file is a JSON list")
    job.add_argument("--label", action="append", default=[], dest="labels", help="for this version; may be repeated")
    job.add_argument("--tag", action="append", dest="tags", help="for all versions; may be repeated")
    job.add_argument("--config", type=json.loads, default={}, metavar="JSON", help="kept beside it; {} by default")
    job.add_argument("--message", help="what changed")
    job.add_argument("--if-changed", action="store_true", help="only label the newest version when it says the same")
    job.set_defaults(job=_create)
    return job


def add_label(jobs: Any) -> argparse.ArgumentParser:
    """``label``: what a deploy or a rollback moves."""
    job: argparse.ArgumentParser = jobs.add_parser("label", help="give a version labels, taken from other versions")
    job.add_argument("name")
    job.add_argument("version", type=int)
    job.add_argument("labels", nargs="+", metavar="label")
    job.set_defaults(job=_label)
    return job


JOBS = (add_create, add_label)


def _create(prompts: Prompts, options: argparse.Namespace, settings: Settings) -> Outcome:
    written = _written(options)
    newest = _newest(prompts, options.name) if options.if_changed else None
    if newest is not None and not newest.diff(written):
        missing = [label for label in options.labels if label not in newest.labels]
        if missing:
            newest = prompts.update_labels(options.name, newest.version, missing)
        _print(newest, "is unchanged", options)
        return Outcome.DONE
    stored = prompts.create(
        options.name,
        written.prompt,
        labels=options.labels,
        tags=options.tags,
        config=options.config,
        commit_message=options.message,
    )
    _print(stored, "is stored", options)
    return Outcome.DONE


def _label(prompts: Prompts, options: argparse.Namespace, settings: Settings) -> Outcome:
    stored = prompts.update_labels(options.name, options.version, options.labels)
    _print(stored, "is labelled", options)
    return Outcome.DONE


def _written(options: argparse.Namespace) -> Prompt:
    """The prompt as it stands in the file.

    Raises:
        InvalidRequestError: It is no prompt of the type that was said.
        OSError: It cannot be read.
    """
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{options.file} is not UTF-8: {error.reason}", status=400) from None
    empty = TextPrompt(name=options.name, version=1, prompt="", config_json=json.dumps(options.config).encode())
    if options.type == "text":
        return dataclasses.replace(empty, prompt=text.removesuffix("\n"))
    try:
        messages = json.loads(text)
    except ValueError as error:
        raise InvalidRequestError(f"{options.file} is not JSON: {error}", status=400) from None
    if not isinstance(messages, list):
        raise InvalidRequestError(f"{options.file} is not a list of messages", status=400)
    return ChatPrompt(name=empty.name, version=1, prompt=chat_parts(messages), config_json=empty.config_json)


def _newest(prompts: Prompts, name: str) -> Prompt | None:
    try:
        return prompts.source(name, label="latest")
    except NotFoundError:
        return None


def _print(prompt: Prompt, what: str, options: argparse.Namespace) -> None:
    if options.json:
        print_json(body_of(prompt))
    else:
        labels = f", labels: {', '.join(prompt.labels)}" if prompt.labels else ""
        print(f"{shown(prompt.name)} version {prompt.version} {what}{labels}")

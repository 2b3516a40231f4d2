"""Versions of prompts and the labels that point at them. A label is on one version of a prompt at most."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from langfuse_otel.server import prompt_composition
from langfuse_otel.server.moments import now_ms
from langfuse_otel.server.problem import Problem, invalid
from langfuse_otel.server.prompt_composition import CompositionError, Reference
from langfuse_otel.server.prompt_rules import LATEST, CreatePromptBody
from langfuse_otel.server.queries import Page, Where
from langfuse_otel.server.records import Prompt
from langfuse_otel.server.store import from_row, to_columns, upsert

_MAX_VERSION = 2**31 - 1


@dataclass(frozen=True, slots=True)
class PromptSummary:
    """The versions of a prompt that a list asked for, newest last."""

    name: str
    versions: Sequence[Prompt]


def find(connection: sqlite3.Connection, reference: Reference) -> Prompt | None:
    """The version of a prompt that ``reference`` names."""
    where = Where(["name = ?"], [reference.name])
    if reference.version is not None:
        where.add("version = ?", min(reference.version, _MAX_VERSION))
    else:
        where.add("EXISTS (SELECT 1 FROM json_each(labels) WHERE value = ?)", reference.label)
    row = connection.execute(f"SELECT * FROM prompts {where}", where.values).fetchone()
    return None if row is None else from_row(row, Prompt)


def create(connection: sqlite3.Connection, body: CreatePromptBody) -> Prompt:
    """Add the next version. Its labels move to it, ``latest`` among them; given tags are set on all versions.

    Raises:
        Problem: 400: earlier versions are of another type, or what it includes cannot be resolved.
    """
    earlier = _versions(connection, body.name)
    prompt_type = body.type or "text"
    if earlier and earlier[-1].type != prompt_type:
        raise invalid(
            f"Previous versions have different prompt type '{earlier[-1].type}'. "
            "Create a new prompt with a different name."
        )
    moment = now_ms()
    tags = list(dict.fromkeys(body.tags)) if body.tags is not None else earlier[-1].tags if earlier else []
    prompt = Prompt(
        id=str(uuid.uuid4()),
        name=body.name,
        version=earlier[-1].version + 1 if earlier else 1,
        type=prompt_type,
        prompt=body.stored_prompt(),
        config=body.config,
        labels=list(dict.fromkeys((*(body.labels or ()), LATEST))),
        tags=tags,
        commit_message=body.commit_message,
        created_ms=moment,
        updated_ms=moment,
    )
    for version in earlier:
        _change(connection, version, labels=_without(version.labels, prompt.labels), tags=tags)
    _write(connection, prompt)
    try:  # within the transaction, so that a broken one is never to be seen
        prompt_composition.resolve(prompt, lambda reference: find(connection, reference))
    except CompositionError as error:
        raise invalid(f"prompt: {error}") from error
    return prompt


def add_labels(connection: sqlite3.Connection, name: str, version: int, labels: Iterable[str]) -> Prompt:
    """Give a version labels beside those that it has; other versions lose them.

    Raises:
        Problem: 404.
    """
    chosen = find(connection, Reference(name, version=version))
    if chosen is None:
        raise not_found(Reference(name, version=version))
    labels = list(labels)
    for other in _versions(connection, name):
        if other.id != chosen.id:
            _change(connection, other, labels=_without(other.labels, labels))
    return _change(connection, chosen, labels=list(dict.fromkeys((*chosen.labels, *labels))))


def delete(connection: sqlite3.Connection, name: str, version: int | None, label: str | None) -> None:
    """Delete a version, the version with a label, or all. ``latest`` moves to the highest version left.

    Raises:
        Problem: 404, or 400 when another prompt includes what is to be deleted.
    """
    versions = _versions(connection, name)
    doomed = [
        one
        for one in versions
        if (version is None or one.version == version) and (label is None or label in one.labels)
    ]
    if not doomed:
        raise not_found(Reference(name, version=version, label=label))
    connection.executemany("DELETE FROM prompts WHERE id = ?", [(one.id,) for one in doomed])
    left = [one for one in versions if one.id not in {gone.id for gone in doomed}]
    if left and LATEST not in left[-1].labels:
        _change(connection, left[-1], labels=[*left[-1].labels, LATEST])
    if broken := _broken(connection, name):
        raise Problem(
            400, "Other prompts are depending on prompt versions that are to be deleted: " + ", ".join(broken)
        )


def summaries(connection: sqlite3.Connection, where: Where, page: Page) -> tuple[list[PromptSummary], int]:
    """A page of prompts with those of their versions that match, by name; and how many prompts have any."""
    (total,) = connection.execute(f"SELECT count(DISTINCT name) FROM prompts {where}", where.values).fetchone()
    names = connection.execute(
        f"SELECT DISTINCT name FROM prompts {where} ORDER BY name LIMIT ? OFFSET ?",
        (*where.values, page.size, page.offset),
    ).fetchall()
    found: dict[str, list[Prompt]] = {name: [] for (name,) in names}
    if found:
        here = Where([*where.clauses], [*where.values])
        here.any_of("name", list(found))
        for row in connection.execute(f"SELECT * FROM prompts {here} ORDER BY name, version", here.values):
            found[row["name"]].append(from_row(row, Prompt))
    return [PromptSummary(name, versions) for name, versions in found.items()], total


def not_found(reference: Reference) -> Problem:
    """No such prompt; says which."""
    message = f"Prompt not found: '{reference.name}'"
    if reference.version is not None:
        message += f" with version {reference.version}"
    elif reference.label is not None:
        message += f" with label '{reference.label}'"
    return Problem(404, message)


def _versions(connection: sqlite3.Connection, name: str) -> list[Prompt]:
    rows = connection.execute("SELECT * FROM prompts WHERE name = ? ORDER BY version", (name,))
    return [from_row(row, Prompt) for row in rows]


def _change(connection: sqlite3.Connection, prompt: Prompt, **fields: Any) -> Prompt:
    changed = msgspec.structs.replace(prompt, **fields)
    if changed != prompt:
        changed.updated_ms = now_ms()
        _write(connection, changed)
    return changed


def _write(connection: sqlite3.Connection, prompt: Prompt) -> None:
    upsert(connection, "prompts", ("id",), to_columns(msgspec.structs.asdict(prompt)))


def _without(labels: Iterable[str], taken: Sequence[str]) -> list[str]:
    return [label for label in labels if label not in taken]


def _broken(connection: sqlite3.Connection, name: str) -> list[str]:
    """Versions of other prompts that include ``name`` in a way that finds nothing."""
    rows = connection.execute(
        "SELECT * FROM prompts WHERE name <> ? AND instr(prompt, '@@@langfusePrompt:') ORDER BY name, version", (name,)
    )
    return [
        f"{prompt.name} version {prompt.version}"
        for prompt in [from_row(row, Prompt) for row in rows]
        if any(
            one.name == name and find(connection, one) is None for one in prompt_composition.references(prompt.prompt)
        )
    ]

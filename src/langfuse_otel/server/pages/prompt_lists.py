"""Prompts with all their versions, as the prompt pages show them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from langfuse_otel.server.records import Prompt
from langfuse_otel.server.store import from_row


@dataclass(frozen=True, slots=True)
class PromptSummary:
    """A prompt in the list: its newest version, and of all versions the labels and the observations that used it."""

    newest: Prompt
    labels: list[tuple[str, int]]
    generations: int


def prompt_summaries(connection: sqlite3.Connection) -> list[PromptSummary]:
    """All prompts by name."""
    versions: dict[str, list[Prompt]] = {}
    for row in connection.execute("SELECT * FROM prompts ORDER BY name, version DESC"):
        prompt = from_row(row, Prompt)
        versions.setdefault(prompt.name, []).append(prompt)
    counts = dict(
        connection.execute(
            "SELECT prompt_name, count(*) FROM observations WHERE prompt_name IS NOT NULL GROUP BY prompt_name"
        ).fetchall()
    )
    return [
        PromptSummary(found[0], [(label, one.version) for one in found for label in one.labels], counts.get(name, 0))
        for name, found in versions.items()
    ]


def prompt_versions(connection: sqlite3.Connection, name: str) -> list[Prompt]:
    """All versions of a prompt, newest first."""
    rows = connection.execute("SELECT * FROM prompts WHERE name = ? ORDER BY version DESC", (name,))
    return [from_row(row, Prompt) for row in rows]

"""Prompts in a file, made at deploy time (``langfuse-otel prompts export``) and used when nothing else answers.

The file is JSON: ``{"version": 1, "prompts": […]}``, each prompt as the API writes it, sorted and indented so that a
diff of two snapshots reads well.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from langfuse_otel.errors import SettingsError
from langfuse_otel.json_encoding import to_json
from langfuse_otel.prompts.body import PromptBody, body_of
from langfuse_otel.prompts.models import Prompt, Selector

FORMAT = 1
"""Version of the file's format; a file of another one is refused."""


class _File(msgspec.Struct):
    version: Literal[1]
    prompts: list[PromptBody]


_decode = msgspec.json.Decoder(_File).decode


class Snapshot:
    """Prompts by name, version and label.

    Where a label stands on several versions, as it moved while the snapshot was made, the highest of them has it.
    """

    def __init__(self, prompts: Iterable[Prompt]) -> None:
        self._prompts: dict[tuple[str, int], Prompt] = {}
        self._labelled: dict[tuple[str, str], Prompt] = {}
        for prompt in sorted(prompts, key=lambda prompt: (prompt.name, prompt.version)):
            self._prompts[prompt.name, prompt.version] = prompt
            for label in prompt.labels:
                self._labelled[prompt.name, label] = dataclasses.replace(prompt, label=label)

    def __len__(self) -> int:
        return len(self._prompts)

    def __iter__(self) -> Iterator[Prompt]:
        """By name and version."""
        return iter(self._prompts.values())

    def get(self, selector: Selector) -> Prompt | None:
        """The prompt, or None. No I/O."""
        if selector.label is not None:
            return self._labelled.get((selector.name, selector.label))
        return self._prompts.get((selector.name, selector.version or 0))


def write(path: Path | str, prompts: Iterable[Prompt]) -> int:
    """Write a snapshot, in place of an older one in one step: a reader sees the old file or the new one.

    Args:
        path: Where to; its folder must exist.
        prompts: One given twice is written once.

    Returns:
        How many prompts are in it.

    Raises:
        OSError: It cannot be written; an older file stays as it was.
    """
    snapshot = Snapshot(prompts)
    content = to_json({"version": FORMAT, "prompts": [body_of(prompt) for prompt in snapshot]})
    target = Path(path)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with unfinished.open("xb") as file:
            file.write(msgspec.json.format(content, indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    return len(snapshot)


def load(path: Path | str) -> Snapshot:
    """Read a snapshot.

    Raises:
        SettingsError: There is none, or it is not what ``write`` writes; says where.
    """
    try:
        file = _decode(Path(path).read_bytes())
        return Snapshot([body.model() for body in file.prompts])
    except (OSError, ValueError, RecursionError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        fix = "Make it with `langfuse-otel prompts export`"
        raise SettingsError("LANGFUSE_PROMPT_SNAPSHOT", f"{path} cannot be used as snapshot: {problem}", fix) from None

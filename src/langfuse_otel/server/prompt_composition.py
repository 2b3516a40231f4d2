"""Prompts inside prompts: ``@@@langfusePrompt:name=NAME|version=N@@@`` or ``|label=L@@@``.

The rules are in langfuse-api.md, section 4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from langfuse_otel.server.records import Prompt

MAX_DEPTH = 5
"""Levels of a composition, the prompt itself counted."""

MAX_CHARACTERS = 10 * 1024 * 1024
"""Of a resolved prompt: a few levels that each repeat the next many times would fill the memory."""

_REFERENCE = re.compile(r"@@@langfusePrompt:(.*?)@@@")


@dataclass(frozen=True, slots=True)
class Reference:
    """What a tag names: a version of a prompt, by number or by label."""

    name: str
    version: int | None = None
    label: str | None = None

    def __str__(self) -> str:
        return f"{self.name} - " + (f"label {self.label}" if self.version is None else f"version {self.version}")


Find: TypeAlias = Callable[[Reference], Prompt | None]


class CompositionError(Exception):
    """A prompt cannot be resolved: what it includes is missing, no text, circular, too deep or too large."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A prompt with what it includes in place, and the graph of that; None when it includes nothing."""

    prompt: Any
    graph: dict[str, Any] | None


def references(prompt: Any) -> Iterator[Reference]:
    """What the texts of a prompt include, in order; tags that are written wrongly are text."""
    for text in _texts(prompt):
        for tag in _REFERENCE.finditer(text):
            reference = _parse(tag[1])
            if reference is not None:
                yield reference


def resolve(prompt: Prompt, find: Find) -> Resolved:
    """Put what a prompt includes in its place.

    Raises:
        CompositionError: As it says.
    """
    resolution = _Resolution(prompt, find)
    resolved = resolution.resolve(prompt, ())
    return Resolved(resolved, resolution.graph if resolution.dependencies else None)


class _Resolution:
    """One resolution; a prompt that is included at several places is resolved once."""

    def __init__(self, root: Prompt, find: Find) -> None:
        self._root = root
        self._find = find
        self._done: dict[tuple[str, int], str] = {}
        self.dependencies: dict[str, list[dict[str, Any]]] = {}
        self.graph = {"root": _node(root), "dependencies": self.dependencies}

    def resolve(self, prompt: Prompt, path: tuple[str, ...]) -> Any:
        """``prompt`` resolved; ``path`` has the ids from the root to it."""
        if len(path) >= MAX_DEPTH:
            raise CompositionError(f"Maximum nesting depth exceeded ({MAX_DEPTH})")
        # Another version of the root counts as well: after a label has moved, it could be the root itself.
        if prompt.id in path or (path and prompt.name == self._root.name):
            raise CompositionError(
                f"Circular dependency detected involving prompt '{prompt.name}' version {prompt.version}"
            )
        return _map_texts(prompt.prompt, lambda text: self._filled(text, prompt, (*path, prompt.id)))

    def _filled(self, text: str, prompt: Prompt, path: tuple[str, ...]) -> str:
        parts: list[str] = []
        size, end = 0, 0
        for tag in _REFERENCE.finditer(text):
            reference = _parse(tag[1])
            if reference is None:
                continue
            parts += (text[end : tag.start()], self._included(reference, prompt, path))
            end = tag.end()
            size += len(parts[-2]) + len(parts[-1])
            if size > MAX_CHARACTERS:
                raise CompositionError(f"Resolved prompt '{prompt.name}' exceeds {MAX_CHARACTERS} characters")
        return "".join((*parts, text[end:]))

    def _included(self, reference: Reference, parent: Prompt, path: tuple[str, ...]) -> str:
        found = self._find(reference)
        if found is None:
            raise CompositionError(f"Prompt dependency not found: {reference}")
        if found.type != "text":
            raise CompositionError(f"Prompt dependency is not a text prompt: {reference}")
        edges = self.dependencies.setdefault(parent.id, [])
        if _node(found) not in edges:
            edges.append(_node(found))
        key = (found.id, len(path))  # the same prompt may be too deep at one place and not at another
        if key not in self._done:
            self._done[key] = self.resolve(found, path)
        return self._done[key]


def _node(prompt: Prompt) -> dict[str, Any]:
    return {"name": prompt.name, "version": prompt.version, "id": prompt.id}


def _parse(inner: str) -> Reference | None:
    """The inside of a tag: first the name, then version or label; split at every ``=``, as Langfuse does."""
    parts = [part.split("=") for part in inner.split("|")]
    if len(parts) != 2 or any(len(part) < 2 for part in parts) or parts[0][0] != "name":
        return None
    (_, name, *_), (kind, which, *_) = parts
    if kind == "version" and which.isascii() and which.isdigit():
        return Reference(name, version=int(which[:20]))
    return Reference(name, label=which) if kind == "label" else None


def _texts(prompt: Any) -> Iterator[str]:
    if isinstance(prompt, str):
        yield prompt
    else:
        for message in prompt:
            yield from message.values()


def _map_texts(prompt: Any, change: Callable[[str], str]) -> Any:
    if isinstance(prompt, str):
        return change(prompt)
    return [{key: change(text) for key, text in message.items()} for message in prompt]

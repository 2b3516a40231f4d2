"""Prompts inside prompts: ``@@@langfusePrompt:name=NAME|version=N@@@`` or ``|label=L@@@``.

Langfuse's server resolves them when a prompt is read. Here for those that do not: servers from before composition, and
copies that were read unresolved. The rules are the server's (langfuse-api.md, section 4): a tag that is written wrongly
is text, only text prompts can be included, and what cannot be resolved is an error, as half a prompt would be worse.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import TypeAlias

from langfuse_otel.errors import InvalidRequestError, NotFoundError
from langfuse_otel.prompts.models import ChatMessage, Prompt, Selector, TextPrompt

MAX_DEPTH = 5
"""Levels of a composition, the prompt itself counted."""

MAX_CHARACTERS = 10 * 1024 * 1024
"""Of a resolved text: a few levels that each repeat the next many times would fill the memory."""

_OPENING = "@@@langfusePrompt:"
_TAG = re.compile(_OPENING + "(.*?)@@@")

Find: TypeAlias = Callable[[Selector], Prompt]
"""Gives a prompt, or raises NotFoundError."""


def is_composed(prompt: Prompt) -> bool:
    """Whether there is something in it to resolve."""
    return any(_parse(tag[1]) for text in _texts(prompt) if _OPENING in text for tag in _TAG.finditer(text))


def resolve(prompt: Prompt, find: Find) -> Prompt:
    """The prompt with what it includes in place.

    Args:
        prompt: Itself, when it includes nothing.
        find: Asked once for each version or label that is included.

    Raises:
        InvalidRequestError: What it includes is missing, no text, circular, too deep or too large; with status 409, as
            the server says it.
    """
    return _Resolution(prompt, find).resolve(prompt, ()) if is_composed(prompt) else prompt


class _Resolution:
    """One resolution; a prompt that is included at several places is read and resolved once."""

    def __init__(self, root: Prompt, find: Find) -> None:
        self._root = root
        self._find = find
        self._found: dict[Selector, TextPrompt] = {}
        self._done: dict[tuple[str, int, int], str] = {}

    def resolve(self, prompt: Prompt, path: tuple[tuple[str, int], ...]) -> Prompt:
        """``prompt`` resolved; ``path`` has names and versions from the root to it."""
        inside = (*path, (prompt.name, prompt.version))
        if isinstance(prompt, TextPrompt):
            return dataclasses.replace(prompt, prompt=self._filled(prompt.prompt, inside))
        parts = (
            ChatMessage(self._filled(part.role, inside), self._filled(part.content, inside))
            if isinstance(part, ChatMessage)
            else part
            for part in prompt.prompt
        )
        return dataclasses.replace(prompt, prompt=tuple(parts))

    def _filled(self, text: str, path: tuple[tuple[str, int], ...]) -> str:
        pieces: list[str] = []
        size, end = 0, 0
        for tag in _TAG.finditer(text):
            which = _parse(tag[1])
            if which is None:
                continue
            pieces += (text[end : tag.start()], self._included(*which, path))
            end = tag.end()
            size += len(pieces[-2]) + len(pieces[-1])
            if size > MAX_CHARACTERS:
                raise _broken(f"prompt {path[-1][0]!r} has over {MAX_CHARACTERS} characters when it is resolved")
        return "".join((*pieces, text[end:]))

    def _included(self, name: str, version: int | None, label: str | None, path: tuple[tuple[str, int], ...]) -> str:
        included = self._read(name, version, label)
        if len(path) >= MAX_DEPTH:
            raise _broken(f"prompt {self._root.name!r} is nested deeper than {MAX_DEPTH} levels")
        # Another version of the root counts as well: after a label has moved, it could be the root itself.
        if (included.name, included.version) in path or included.name == self._root.name:
            raise _broken(f"prompt {included.name!r} version {included.version} includes itself")
        key = (included.name, included.version, len(path))  # at one place it may be too deep, at another not
        if key not in self._done:
            self._done[key] = self._filled(included.prompt, (*path, (included.name, included.version)))
        return self._done[key]

    def _read(self, name: str, version: int | None, label: str | None) -> TextPrompt:
        try:
            selector = Selector(name, version, label)
        except InvalidRequestError as error:
            raise _broken(f"prompt {self._root.name!r} includes what cannot exist: {error}") from error
        if selector not in self._found:
            try:
                found = self._find(selector)
            except NotFoundError as error:  # not to be taken for the prompt itself being gone
                raise _broken(f"{selector} is included, but does not exist") from error
            if not isinstance(found, TextPrompt):
                raise _broken(f"{selector} is included, but is not a text prompt")
            self._found[selector] = found
        return self._found[selector]


def _parse(inner: str) -> tuple[str, int | None, str | None] | None:
    """The inside of a tag: first the name, then version or label; split at every ``=``, as Langfuse does."""
    parts = [part.split("=") for part in inner.split("|")]
    if len(parts) != 2 or any(len(part) < 2 for part in parts) or parts[0][0] != "name":
        return None
    (_, name, *_), (kind, which, *_) = parts
    if kind == "version" and which.isascii() and which.isdigit():
        return name, int(which[:20]), None
    return (name, None, which) if kind == "label" else None


def _texts(prompt: Prompt) -> list[str]:
    if isinstance(prompt, TextPrompt):
        return [prompt.prompt]
    return [text for part in prompt.prompt if isinstance(part, ChatMessage) for text in (part.role, part.content)]


def _broken(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, status=409)

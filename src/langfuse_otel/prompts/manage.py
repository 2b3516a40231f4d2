"""Changing prompts: create, label, delete, list. For deploy scripts and back offices; nothing here is cached or retried
when it writes, and whatever it changes is forgotten by the cache.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from langfuse_otel.errors import NotFoundError
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.models import Prompt, PromptSummary, Selector, chat_parts
from langfuse_otel.prompts.off_loop import off_loop, twin


class PromptManager:
    """The prompts of a project as their authors see them.

    Each method but ``list`` and ``versions`` is one request and raises the errors of ``langfuse_otel.errors``. A write
    that was not answered may have been done: look before trying again.

    Args:
        api: The project's prompt endpoints.
        invalidate: Called with the name of each prompt that was changed, or may have been.
        deadline_s: Longest that one read may take, seconds.
    """

    def __init__(self, api: PromptApi, *, invalidate: Callable[[str], object], deadline_s: float = 5.0) -> None:
        self._api = api
        self._changed = invalidate
        self._deadline_s = deadline_s

    def create(
        self,
        name: str,
        prompt: str | Sequence[Any],
        *,
        labels: Sequence[str] = (),
        tags: Sequence[str] | None = None,
        config: Any = None,
        commit_message: str | None = None,
    ) -> Prompt:
        """Store a new version of a prompt; a text makes a text prompt, messages a chat prompt.

        Args:
            name: Its name; a new one makes a new prompt.
            prompt: Template text, or messages and placeholders.
            labels: Labels for this version, taken from others; ``production`` makes it the one that is served.
            tags: Tags for all versions; left out, they stay.
            config: Any JSON to be kept beside it.
            commit_message: What changed, up to 500 characters.

        Returns:
            The stored version as it was written: prompts that it includes are not in place.
        """
        content = prompt if isinstance(prompt, str) else chat_parts(prompt)
        Selector(name)
        try:
            return self._api.create(
                name, content, labels=labels, tags=tags, config=config, commit_message=commit_message
            )
        finally:
            self._changed(name)

    def update_labels(self, name: str, version: int, labels: Sequence[str]) -> Prompt:
        """Give a version more labels, taken from others. One is removed only by giving it to another version.

        Raises:
            NotFoundError: There is no such version.
        """
        Selector(name, version)
        try:
            return self._api.update_labels(name, version, labels)
        finally:
            self._changed(name)

    def delete(self, name: str, *, version: int | None = None, label: str | None = None) -> None:
        """Remove a version, by its number or by a label on it; **with neither, the prompt and all its versions**.

        Raises:
            NotFoundError: There is none.
            InvalidRequestError: Another prompt includes it.
        """
        Selector(name, version, label)
        try:
            self._api.delete(name, version=version, label=label)
        finally:
            self._changed(name)

    def source(
        self, name: str, *, version: int | None = None, label: str | None = None, resolved: bool = False
    ) -> Prompt:
        """A version from the server, past the cache: as its author wrote it, prompts that it includes are tags.

        Args:
            name: Its name.
            version: This version.
            label: The version that this label points at; ``production`` by default.
            resolved: With what it includes in place, as ``get`` of the client has it.

        Raises:
            NotFoundError: There is none.
        """
        return self._api.get(Selector(name, version, label), deadline_s=self._deadline_s, raw=not resolved)

    def list(
        self, *, name: str | None = None, label: str | None = None, tag: str | None = None
    ) -> Iterator[PromptSummary]:
        """The project's prompts by name; asks the server page by page, as far as it is read."""
        return self._api.list(name=name, label=label, tag=tag, deadline_s=self._deadline_s)

    def versions(self, name: str) -> Iterator[Prompt]:
        """All versions of a prompt, newest first, as ``source`` gives them; each is read when it is reached.

        Raises:
            NotFoundError: There is no such prompt.
        """
        for version in self._numbers(name):
            try:
                yield self.source(name, version=version)
            except NotFoundError:  # deleted meanwhile
                continue

    def _numbers(self, name: str) -> tuple[int, ...]:
        Selector(name)
        numbers = [number for summary in self.list(name=name) if summary.name == name for number in summary.versions]
        if not numbers:
            raise NotFoundError(f"there is no prompt {name[:200]!r}", status=404)
        return tuple(sorted(numbers, reverse=True))

    acreate = twin(create)
    aupdate_labels = twin(update_labels)
    adelete = twin(delete)
    asource = twin(source)

    async def alist(
        self, *, name: str | None = None, label: str | None = None, tag: str | None = None
    ) -> AsyncIterator[PromptSummary]:
        """``list`` for asyncio."""
        pages = self._api.pages(name=name, label=label, tag=tag, deadline_s=self._deadline_s)
        while page := await off_loop(lambda: next(pages, ())):
            for summary in page:
                yield summary

    async def aversions(self, name: str) -> AsyncIterator[Prompt]:
        """``versions`` for asyncio."""
        versions = self.versions(name)
        while version := await off_loop(lambda: next(versions, None)):
            yield version

"""Prompts from Langfuse, as boring as a dictionary look-up: fresh, stale, cold, or the caller's fallback.

====================  ==============================================================================================
in memory, fresh      served; no lock, no I/O
in memory, expired    served at once; one background worker renews it
not in memory         one request for all who ask; each waits until its own deadline
prompt is gone (404)  evicted; NotFoundError, or the fallback
server fails          what is in memory stays in service, however old; else the fallback; else the error
====================  ==============================================================================================

A failed read is remembered for a few seconds: until then no caller waits for the same failure again.
"""

# ruff: noqa: A002  `type` is the API's own word for it.

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Literal, overload

from langfuse_otel import log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.errors import AuthenticationError, NotFoundError, TimedOutError
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.ask import Ask, Fallback, type_of
from langfuse_otel.prompts.cache import MAX_BYTES, Entry, Key, MemoryCache, key_of
from langfuse_otel.prompts.models import (
    DEFAULT_LABEL,
    ChatPrompt,
    Prompt,
    PromptSummary,
    PromptType,
    Selector,
    TextPrompt,
    chat_parts,
)
from langfuse_otel.prompts.refresh import Refresher
from langfuse_otel.resilience.single_flight import SingleFlight, wait, wait_async
from langfuse_otel.settings import Settings


class Prompts:
    """The prompts of one Langfuse project.

    Args:
        api: The project's prompt endpoints.
        ttl_s: Seconds until a prompt in memory is renewed, in the background; 0 asks the server on each ``get``.
        max_items: Most prompts in memory, least recently used out first.
        max_bytes: Most memory for them.
        deadline_s: Longest that a ``get`` may take in all.
        fallback_deadline_s: The same for one with a fallback.
        clock: Where the time comes from.
    """

    def __init__(
        self,
        api: PromptApi,
        *,
        ttl_s: float = 60.0,
        max_items: int = 1_000,
        max_bytes: int = MAX_BYTES,
        deadline_s: float = 5.0,
        fallback_deadline_s: float = 0.25,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._api = api
        self._scope = api.scope
        self._ttl_s = ttl_s
        self._deadline_s = deadline_s
        self._fallback_deadline_s = fallback_deadline_s
        self._now: Callable[[], float] = clock.monotonic
        self._cache = MemoryCache(ttl_s=ttl_s, max_items=max_items, max_bytes=max_bytes, clock=clock)
        self._entry = self._cache.entries.get
        self._flights: SingleFlight[Key, Prompt] = SingleFlight()
        self._refresher = Refresher()

    @classmethod
    def from_settings(cls, settings: Settings) -> Prompts:
        """The prompts of the project whose keys are set.

        Raises:
            SettingsError: The keys are missing.
        """
        settings.require_keys()
        http = HttpClient.of(settings)
        return cls(
            PromptApi(http),
            ttl_s=settings.prompt_cache_ttl_s,
            max_items=settings.prompt_cache_max_items,
            deadline_s=settings.prompt_deadline_s,
            fallback_deadline_s=settings.prompt_fallback_deadline_s,
        )

    @overload
    def get(
        self,
        name: str,
        *,
        version: int | None = ...,
        label: str | None = ...,
        type: Literal["text"],
        fallback: str | None = ...,
        ttl_s: float | None = ...,
    ) -> TextPrompt: ...
    @overload
    def get(
        self,
        name: str,
        *,
        version: int | None = ...,
        label: str | None = ...,
        type: Literal["chat"],
        fallback: Sequence[Any] | None = ...,
        ttl_s: float | None = ...,
    ) -> ChatPrompt: ...
    @overload
    def get(
        self,
        name: str,
        *,
        version: int | None = ...,
        label: str | None = ...,
        type: None = ...,
        fallback: Fallback | None = ...,
        ttl_s: float | None = ...,
    ) -> Prompt: ...
    def get(
        self,
        name: str,
        *,
        version: int | None = None,
        label: str | None = None,
        type: PromptType | None = None,
        fallback: Fallback | None = None,
        ttl_s: float | None = None,
    ) -> Prompt:
        """A prompt. Blocks only when it is not in memory; on an event loop use ``aget`` for that.

        Args:
            name: Its name, folders included.
            version: This version.
            label: The version that this label points at; ``production`` by default.
            type: What the caller can use; else that of the fallback, else either.
            fallback: Served instead of an error, marked ``is_fallback``, never cached and never linked to traces.
            ttl_s: How old the prompt may be without being renewed, seconds, instead of the client's; 0: ask now.

        Raises:
            InvalidRequestError: The call cannot be meant: version and label, a name that is none, the wrong type.
            NotFoundError: There is no such prompt, and no fallback.
            LangfuseError: It could not be read, and there is neither an older copy nor a fallback.
        """
        prompt = self._hit(name, version, label, type, fallback, ttl_s)
        if prompt is not None:
            return prompt
        ask = Ask.of(name, version, label, type, fallback, ttl_s)
        found = self._look_up(ask)
        if not isinstance(found, Future):
            return found
        _warn_on_event_loop()
        try:
            prompt = wait(found, self._patience_s(ask))
        except Exception as error:
            return self._instead(ask, error, found)
        return ask.fitting(prompt)

    @overload
    async def aget(
        self,
        name: str,
        *,
        version: int | None = ...,
        label: str | None = ...,
        type: Literal["text"],
        fallback: str | None = ...,
        ttl_s: float | None = ...,
    ) -> TextPrompt: ...
    @overload
    async def aget(
        self,
        name: str,
        *,
        version: int | None = ...,
        label: str | None = ...,
        type: Literal["chat"],
        fallback: Sequence[Any] | None = ...,
        ttl_s: float | None = ...,
    ) -> ChatPrompt: ...
    @overload
    async def aget(
        self,
        name: str,
        *,
        version: int | None = ...,
        label: str | None = ...,
        type: None = ...,
        fallback: Fallback | None = ...,
        ttl_s: float | None = ...,
    ) -> Prompt: ...
    async def aget(
        self,
        name: str,
        *,
        version: int | None = None,
        label: str | None = None,
        type: PromptType | None = None,
        fallback: Fallback | None = None,
        ttl_s: float | None = None,
    ) -> Prompt:
        """``get`` for asyncio: the event loop runs on while a prompt that is not in memory is read."""
        prompt = self._hit(name, version, label, type, fallback, ttl_s)
        if prompt is not None:
            return prompt
        ask = Ask.of(name, version, label, type, fallback, ttl_s)
        found = self._look_up(ask)
        if not isinstance(found, Future):
            return found
        try:
            prompt = await wait_async(found, self._patience_s(ask))
        except Exception as error:
            return self._instead(ask, error, found)
        return ask.fitting(prompt)

    def compile(
        self,
        name: str,
        values: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        label: str | None = None,
        fallback: Fallback | None = None,
    ) -> str | list[dict[str, Any]]:
        """``get`` and fill in: the text, or the chat's messages."""
        prompt = self.get(name, version=version, label=label, fallback=fallback)
        return prompt.compile(**(values or {}))

    def create(
        self,
        name: str,
        prompt: Fallback,
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

        Raises:
            LangfuseError: It was refused, or not answered: then look before trying again, it may be stored.
        """
        content = prompt if isinstance(prompt, str) else chat_parts(prompt)
        stored = self._api.create(
            Selector(name).name, content, labels=labels, tags=tags, config=config, commit_message=commit_message
        )
        self.invalidate(name)
        return stored

    def update_labels(self, name: str, version: int, labels: Sequence[str]) -> Prompt:
        """Give a version more labels, taken from others. One is removed only by giving it to another version.

        Raises:
            NotFoundError: There is no such version.
            LangfuseError: It was refused, or not answered.
        """
        Selector(name, version)
        stored = self._api.update_labels(name, version, labels)
        self.invalidate(name)
        return stored

    def list(
        self, *, name: str | None = None, label: str | None = None, tag: str | None = None
    ) -> Iterator[PromptSummary]:
        """The project's prompts by name; asks the server page by page, as far as it is read."""
        return self._api.list(name=name, label=label, tag=tag, deadline_s=self._deadline_s)

    def invalidate(self, name: str) -> None:
        """Forget all versions and labels of exactly this prompt; answers still under way are not kept either."""

        def concerns(key: Key) -> bool:
            return key[0] == self._scope and key[1] == name

        self._cache.invalidate(concerns)
        self._flights.forget(concerns)

    def _hit(
        self,
        name: str,
        version: int | None,
        label: str | None,
        type: PromptType | None,
        fallback: Fallback | None,
        ttl_s: float | None,
    ) -> Prompt | None:
        """The prompt if it is fresh and of the right type. Nearly all calls end here: no lock, no I/O."""
        if version is None and label is None:
            label = DEFAULT_LABEL
        entry = self._entry((self._scope, name, version, label))
        if entry is None or (entry.expires_at if ttl_s is None else entry.fetched_at + ttl_s) <= self._now():
            return None
        prompt = entry.prompt
        if type not in (None, prompt.type) or (fallback is not None and type_of(fallback) != prompt.type):
            return None
        entry.used = True
        return prompt

    def _look_up(self, ask: Ask) -> Prompt | Future[Prompt]:
        """What can be served now, or the flight to wait for. Starts what has to be read; never waits."""
        key = key_of(self._scope, ask.selector)
        now = self._now()
        entry = self._cache.get(key)
        if entry is not None:
            ttl_s = self._ttl_s if ask.ttl_s is None else ask.ttl_s
            expires_at = entry.expires_at if ask.ttl_s is None else entry.fetched_at + ask.ttl_s
            is_due = now >= max(expires_at, entry.retry_at)
            if is_due and ttl_s > 0:
                self._refresher.submit(key, lambda: self._renew(ask.selector, entry))
            if not is_due or ttl_s > 0:
                return ask.fitting(entry.prompt)
        failure = self._cache.failure(key)
        if entry is None and failure is not None and now < failure.retry_at:
            is_patient = ask.fallback is None and self._flights.in_the_air(key)
            if not is_patient:  # else it joins the flight that a caller with a fallback could not wait for
                return self._instead(ask, failure.error)
        flight = self._flights.start(key, lambda: self._fetch(ask.selector, entry))
        if entry is None and failure is not None and ask.fallback is not None:
            return self._instead(ask, failure.error)  # the flight finds out whether the server is back
        return flight

    def _renew(self, selector: Selector, stale: Entry) -> None:
        """Replace a stale entry, unless that happened, or was tried, since it was seen."""
        key = key_of(self._scope, selector)
        if self._entry(key) is stale and self._now() >= stale.retry_at:
            self._flights.run(key, lambda: self._fetch(selector, stale))

    def _fetch(self, selector: Selector, seen: Entry | None) -> Prompt:
        """Read a prompt from the server into the cache, in which ``seen`` was found. Runs on a thread of ours."""
        key, generation = key_of(self._scope, selector), self._cache.generation
        current = self._entry(key)
        if current is not None and current is not seen:
            return current.prompt  # another flight landed while this one was being started
        try:
            prompt = self._api.get(selector, deadline_s=self._deadline_s, retry=not self._cache.is_failing(key))
        except Exception as error:
            self._cache.fail(key, error, generation=generation)
            if isinstance(error, AuthenticationError):
                log.once(logging.ERROR, f"prompts-keys:{self._scope}", "Langfuse refuses the keys: %s", error)
            elif self._cache.get(key) is not None:
                message = "%s was not renewed, the copy in memory stays in service: %s"
                log.limited(logging.WARNING, f"prompt-stale:{selector.name}", message, selector, error)
            raise
        self._cache.put(key, prompt, generation=generation)
        return prompt

    def _patience_s(self, ask: Ask) -> float:
        return self._deadline_s if ask.fallback is None else self._fallback_deadline_s

    def _instead(self, ask: Ask, error: Exception, flight: Future[Prompt] | None = None) -> Prompt:
        """What to serve when the server could not be asked: the stale copy, else the fallback; else raises."""
        key = key_of(self._scope, ask.selector)
        if isinstance(error, TimedOutError) and flight is not None and not flight.done():
            self._cache.fail(key, error, generation=self._cache.generation)  # the next caller need not wait as well
        entry = self._cache.get(key)
        if entry is not None and not isinstance(error, NotFoundError):
            return ask.fitting(entry.prompt)
        if ask.fallback is None:
            raise error.with_traceback(None)  # one object for many callers: it would collect the frames of them all
        message = "%s: the fallback is served: %s"
        log.limited(logging.WARNING, f"prompt-fallback:{ask.selector.name}", message, ask.selector, error)
        return ask.fallback


def _warn_on_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    log.once(logging.WARNING, "prompts-blocking", "prompts.get() blocks the event loop on a first read: use aget()")

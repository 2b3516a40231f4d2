"""The prompt client: what an application calls. How prompts are found is the resolver's business."""

# ruff: noqa: A002  `type` is the API's own word for it.

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, overload

from typing_extensions import Unpack

from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.errors import InvalidRequestError
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.ask import Ask, Fallback, Labels, Which
from langfuse_otel.prompts.assembly import signing_key_of, snapshot_of, stores_of, tiers_over
from langfuse_otel.prompts.cache import MAX_BYTES, Entry, MemoryCache
from langfuse_otel.prompts.counters import PromptCounters
from langfuse_otel.prompts.detail import PromptDetail
from langfuse_otel.prompts.known import make_known
from langfuse_otel.prompts.manage import PromptManager
from langfuse_otel.prompts.models import ChatPrompt, Prompt, PromptType, Selector, TextPrompt
from langfuse_otel.prompts.network import Network
from langfuse_otel.prompts.off_loop import twin
from langfuse_otel.prompts.request_spans import RequestSpans
from langfuse_otel.prompts.resolver import Resolver
from langfuse_otel.prompts.snapshot import Snapshot
from langfuse_otel.prompts.status import PromptsStatus
from langfuse_otel.prompts.stores.base import Store
from langfuse_otel.prompts.template import Missing
from langfuse_otel.prompts.waiting import awaited, waited
from langfuse_otel.resilience.breaker import CircuitBreaker
from langfuse_otel.settings import Settings

_READ_AHEAD = 8

Warmed = dict[str, PromptDetail | Exception]


class Prompts(PromptManager):
    """The prompts of one Langfuse project: read through the cache here, changed as ``PromptManager`` has it.

    Args:
        api: The project's prompt endpoints.
        ttl_s: Seconds until a prompt in memory is renewed, in the background; 0 asks the server on each ``get`` and
            leaves out all tiers between.
        max_items: Most prompts in memory, least recently used out first.
        max_bytes: Most memory for them.
        deadline_s: Longest that a ``get`` may take in all.
        fallback_deadline_s: The same for one with a fallback.
        stores: What is shared with other processes, the nearest first; of the host's and the fleet's, for example.
        signing_key: A secret of all who share the stores: what is not signed with it is not read.
        snapshot: Prompts to serve when nothing else has one.
        require_fallback: Whether a ``get`` without a fallback is an error.
        breaker: Of the endpoints.
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
        stores: Sequence[Store] = (),
        signing_key: bytes | None = None,
        snapshot: Snapshot | None = None,
        require_fallback: bool = False,
        breaker: CircuitBreaker | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(api, invalidate=self.invalidate, deadline_s=deadline_s)
        self._counters = PromptCounters()
        self._breaker = breaker or CircuitBreaker(clock=clock)
        self._cache = MemoryCache(ttl_s=ttl_s, max_items=max_items, max_bytes=max_bytes, clock=clock)
        network = Network(api, breaker=self._breaker, counters=self._counters, clock=clock)
        self._tiers = tiers_over(
            network,
            stores if ttl_s > 0 else (),
            scope=api.scope,
            signing_key=signing_key,
            deadline_s=deadline_s,
            counters=self._counters,
            clock=clock,
        )
        self._resolver = Resolver(
            self._tiers[0] if self._tiers else network,
            tiers=self._tiers,
            network=network,
            cache=self._cache,
            counters=self._counters,
            scope=api.scope,
            ttl_s=ttl_s,
            deadline_s=deadline_s,
            fallback_deadline_s=fallback_deadline_s,
            snapshot=(lambda selector: None) if snapshot is None else snapshot.get,
            clock=clock,
        )
        self._hit = self._resolver.hit
        self._now = self._resolver.now
        self._entry: Callable[[str], Entry | None] = self._cache.by_name.get
        if require_fallback:
            self._entry = lambda name: None  # a call without a fallback is an error even where there is a hit
        self._require_fallback = require_fallback
        make_known(api.scope, self)

    @classmethod
    def from_settings(cls, settings: Settings) -> Prompts:
        """The prompts of the project whose keys are set. Begins to read those to be warmed, in the background.

        Raises:
            SettingsError: The keys are missing, or a store or the snapshot cannot be used as set.
            MissingExtraError: A Redis is set, and its extra is not installed.
        """
        settings.require_keys()
        http = HttpClient.of(settings)
        prompts = cls(
            PromptApi(http, spans=RequestSpans(http.base_url) if settings.prompt_spans else None),
            ttl_s=settings.prompt_cache_ttl_s,
            max_items=settings.prompt_cache_max_items,
            max_bytes=settings.prompt_cache_max_bytes,
            deadline_s=settings.prompt_deadline_s,
            fallback_deadline_s=settings.prompt_fallback_deadline_s,
            stores=stores_of(settings),
            signing_key=signing_key_of(settings),
            snapshot=snapshot_of(settings),
            require_fallback=settings.prompt_require_fallback,
        )
        if settings.prompts_to_warm:
            prompts._resolver.in_background("warm", lambda: prompts.warm(settings.prompts_to_warm))
        return prompts

    @overload
    def get(
        self, name: str, *, type: Literal["text"], fallback: str | None = ..., **which: Unpack[Which]
    ) -> TextPrompt: ...
    @overload
    def get(
        self, name: str, *, type: Literal["chat"], fallback: Sequence[Any] | None = ..., **which: Unpack[Which]
    ) -> ChatPrompt: ...
    @overload
    def get(
        self, name: str, *, type: None = ..., fallback: Fallback | None = ..., **which: Unpack[Which]
    ) -> Prompt: ...
    def get(
        self,
        name: str,
        *,
        version: int | None = None,
        label: Labels | None = None,
        type: PromptType | None = None,
        fallback: Fallback | None = None,
        ttl_s: float | None = None,
    ) -> Prompt:
        """A prompt. Blocks only when it is not in memory; on an event loop use ``aget`` for that.

        Args:
            name: Its name, folders included.
            version: This version.
            label: The version that this label points at; ``production`` by default. Of several labels, the first that
                Langfuse has a version for; the next is only tried when there is none, not when Langfuse fails.
            type: What the caller can use; else that of the fallback, else either.
            fallback: Served instead of an error, marked ``is_fallback``, never cached and never linked to traces.
            ttl_s: How old the prompt may be without being renewed, seconds, instead of the client's; 0: ask now.

        Raises:
            InvalidRequestError: The call cannot be meant: version and label, a name that is none, the wrong type.
            NotFoundError: There is no such prompt, and no fallback.
            LangfuseError: It could not be read, and there is neither an older copy nor a fallback.
        """
        if version is None and label is None and type is None and fallback is None and ttl_s is None:
            # What ``hit`` does, for the common call: calling it would be a third of what a hit costs.
            try:
                entry = self._entry(name)
            except TypeError:  # a name that is none: said below
                entry = None
            if entry is not None and entry.expires_at > self._now():
                entry.used += 1
                return entry.prompt
        if fallback is None and self._require_fallback:
            raise _without_fallback(name)
        prompt = self._hit(name, version, label, type, fallback, ttl_s)
        if prompt is not None:
            return prompt
        return waited(self._resolver.answer(Ask.of(name, version, label, type, fallback, ttl_s))).prompt

    @overload
    async def aget(
        self, name: str, *, type: Literal["text"], fallback: str | None = ..., **which: Unpack[Which]
    ) -> TextPrompt: ...
    @overload
    async def aget(
        self, name: str, *, type: Literal["chat"], fallback: Sequence[Any] | None = ..., **which: Unpack[Which]
    ) -> ChatPrompt: ...
    @overload
    async def aget(
        self, name: str, *, type: None = ..., fallback: Fallback | None = ..., **which: Unpack[Which]
    ) -> Prompt: ...
    async def aget(
        self,
        name: str,
        *,
        version: int | None = None,
        label: Labels | None = None,
        type: PromptType | None = None,
        fallback: Fallback | None = None,
        ttl_s: float | None = None,
    ) -> Prompt:
        """``get`` for asyncio: the event loop runs on while a prompt that is not in memory is read."""
        if fallback is None and self._require_fallback:
            raise _without_fallback(name)
        prompt = self._hit(name, version, label, type, fallback, ttl_s)
        if prompt is not None:
            return prompt
        return (await awaited(self._resolver.answer(Ask.of(name, version, label, type, fallback, ttl_s)))).prompt

    def get_detail(
        self,
        name: str,
        *,
        version: int | None = None,
        label: Labels | None = None,
        type: PromptType | None = None,
        fallback: Fallback | None = None,
        ttl_s: float | None = None,
    ) -> PromptDetail:
        """``get`` with where the prompt came from, why, how old it is and what went wrong. Raises the same."""
        if fallback is None and self._require_fallback:
            raise _without_fallback(name)
        return waited(self._resolver.answer(Ask.of(name, version, label, type, fallback, ttl_s)))

    async def aget_detail(
        self,
        name: str,
        *,
        version: int | None = None,
        label: Labels | None = None,
        type: PromptType | None = None,
        fallback: Fallback | None = None,
        ttl_s: float | None = None,
    ) -> PromptDetail:
        """``get_detail`` for asyncio."""
        if fallback is None and self._require_fallback:
            raise _without_fallback(name)
        return await awaited(self._resolver.answer(Ask.of(name, version, label, type, fallback, ttl_s)))

    def compile(
        self,
        name: str,
        values: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        label: Labels | None = None,
        fallback: Fallback | None = None,
        missing: Missing = "keep",
    ) -> str | list[dict[str, Any]]:
        """``get`` and fill in: the text, or the chat's messages."""
        return self.get(name, version=version, label=label, fallback=fallback).fill(values or {}, missing=missing)

    async def acompile(
        self,
        name: str,
        values: Mapping[str, Any] | None = None,
        *,
        version: int | None = None,
        label: Labels | None = None,
        fallback: Fallback | None = None,
        missing: Missing = "keep",
    ) -> str | list[dict[str, Any]]:
        """``compile`` for asyncio."""
        prompt = await self.aget(name, version=version, label=label, fallback=fallback)
        return prompt.fill(values or {}, missing=missing)

    def warm(
        self,
        names: Iterable[str],
        *,
        label: str | None = None,
        on_progress: Callable[[str, PromptDetail | Exception], object] = lambda name, outcome: None,
    ) -> Warmed:
        """Read prompts before they are asked for, eight at a time, from the nearest tier that has them.

        Args:
            names: Their names.
            label: ``production`` by default.
            on_progress: Called after each.

        Returns:
            For each name its prompt, or the error that a ``get`` would have raised.
        """
        warmed: Warmed = {}
        for selector in self._read_ahead(names, label):
            try:
                warmed[selector.name] = waited(self._resolver.answer(Ask((selector,), None, None, None)))
            except Exception as error:
                warmed[selector.name] = error
            on_progress(selector.name, warmed[selector.name])
        return warmed

    async def awarm(
        self,
        names: Iterable[str],
        *,
        label: str | None = None,
        on_progress: Callable[[str, PromptDetail | Exception], object] = lambda name, outcome: None,
    ) -> Warmed:
        """``warm`` for asyncio."""
        warmed: Warmed = {}
        for selector in self._read_ahead(names, label):
            try:
                warmed[selector.name] = await awaited(self._resolver.answer(Ask((selector,), None, None, None)))
            except Exception as error:
                warmed[selector.name] = error
            on_progress(selector.name, warmed[selector.name])
        return warmed

    def peek(self, selector: Selector) -> Prompt | None:
        """The prompt if it is in memory, fresh or stale. Never does I/O, never waits."""
        return self._resolver.peek(selector)

    def invalidate(self, name: str) -> None:
        """Forget all versions and labels of exactly this prompt; answers still under way are not kept either.

        In this process the next ``get`` waits for a new answer. Others with whom it shares a store serve what they have
        until they have the new one, which they read at once.
        """
        self._resolver.invalidate(name)

    def renew(self, name: str) -> None:
        """A prompt was changed in Langfuse: read it anew in all processes, which serve what they have until then."""
        self._resolver.renew(name)

    ainvalidate = twin(invalidate)
    arenew = twin(renew)

    def status(self) -> PromptsStatus:
        """What the cache did so far, and the state it is in."""
        return PromptsStatus.of(self._cache, self._counters, self._breaker, self._tiers)

    def close(self) -> None:
        """Close the stores' files and connections. Prompts in memory stay in service."""
        self._resolver.close()

    def _read_ahead(self, names: Iterable[str], label: str | None) -> Iterator[Selector]:
        selectors = [Selector(name, label=label) for name in dict.fromkeys(names)]
        for selector in selectors[:_READ_AHEAD]:
            self._resolver.start(selector)
        for number, selector in enumerate(selectors, _READ_AHEAD):
            yield selector
            for ahead in selectors[number : number + 1]:
                self._resolver.start(ahead)


def _without_fallback(name: str) -> InvalidRequestError:
    message = f"prompt {name!r:.200}: give get() a fallback; LANGFUSE_PROMPT_REQUIRE_FALLBACK asks for one"
    return InvalidRequestError(message, status=400)

"""Which prompt made which text.

``compile()`` of a prompt remembers its result here; an instrumented call that sends that very text finds the prompt
again and links it, with no argument passed through the application. Lies below both the prompt client and the
instrumentation toolkit, so neither needs the other.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from langfuse_otel import fork
from langfuse_otel.context_block import ContextBlock

PROMPT_LABEL = "langfuse.observation.metadata.prompt_label"
"""Span attribute: the label that the linked prompt was asked for by, which tells the arms of an A/B test apart."""

_MAX_TEXTS = 4_096
_MIN_CHARACTERS = 8  # shorter texts ("yes", "hello") occur without any prompt and would link by accident
_BEGINNING = 32  # characters of a text by which it is found inside another one
_MAX_LENGTHS = 8  # of texts with the same beginning: one template, differently filled
_MAX_LINES = 16  # of one text at whose beginnings others are looked for
_MAX_SEARCHED = 8  # texts of one call that are searched so
_CONTEXT_KEY = otel_context.create_key("langfuse-prompt")


@dataclass(frozen=True, slots=True)
class PromptRef:
    """A prompt's identity in Langfuse.

    Attributes:
        name: Its name.
        version: From 1.
        label: The label by which this version was chosen; None when by number, or unknown.
    """

    name: str
    version: int
    label: str | None = field(default=None, compare=False)


class HasPromptIdentity(Protocol):
    """Anything with a prompt's name and version, for example what ``Prompts.get`` returns."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...


class _Table:
    """Text → prompt, least recently compiled out first. Keeps a text's hash and length, not the text itself."""

    def __init__(self, max_texts: int) -> None:
        self._max_texts = max_texts
        self._prompts: OrderedDict[tuple[int, int], PromptRef] = OrderedDict()
        self._lengths: OrderedDict[int, tuple[int, ...]] = OrderedDict()
        """By the hash of a beginning: how long the texts are that begin so, newest first."""
        self._lock = threading.RLock()
        fork.register(self)

    def after_fork_child(self) -> None:
        self._lock = threading.RLock()  # the inherited one may be held by a thread that is not here

    def __len__(self) -> int:
        return len(self._prompts)

    def put(self, text: str, prompt: PromptRef) -> None:
        key = (len(text), hash(text))
        with self._lock:
            self._prompts[key] = prompt
            self._prompts.move_to_end(key)
            while len(self._prompts) > self._max_texts:
                self._prompts.popitem(last=False)
            if len(text) >= _BEGINNING:
                self._put_beginning(hash(text[:_BEGINNING]), len(text))

    def get(self, text: str) -> PromptRef | None:
        return self._prompts.get((len(text), hash(text)))

    def find(self, text: str) -> PromptRef | None:
        """The prompt of the first text that begins where ``text`` or a line of it does; of several, the longest."""
        known, start = self._lengths, 0
        for _ in range(_MAX_LINES):
            beginning = hash(text[start : start + _BEGINNING])
            if beginning in known and (ref := self._longest(text, start, known.get(beginning, ()))) is not None:
                return ref
            start = text.find("\n", start) + 1
            if not start:
                break
        return None

    def _longest(self, text: str, start: int, lengths: Iterable[int]) -> PromptRef | None:
        for length in sorted(lengths, reverse=True):
            if length <= len(text) - start and (ref := self.get(text[start : start + length])) is not None:
                return ref
        return None

    def _put_beginning(self, beginning: int, length: int) -> None:
        lengths = self._lengths.get(beginning, ())
        if lengths and lengths[0] == length:
            return
        self._lengths[beginning] = (length, *(other for other in lengths if other != length))[:_MAX_LENGTHS]
        self._lengths.move_to_end(beginning)
        while len(self._lengths) > self._max_texts:
            self._lengths.popitem(last=False)


_table = _Table(_MAX_TEXTS)


def remember(text: str, prompt: PromptRef) -> None:
    """Note that ``prompt`` compiled to ``text``. Keeps the newest 4,096 texts, none under 8 characters."""
    if len(text) >= _MIN_CHARACTERS:
        _table.put(text, prompt)


def recall(text: str) -> PromptRef | None:
    """The prompt that compiled to exactly this text, or None. No lock, no I/O."""
    return _table.get(text) if _table else None


def recall_among(texts: Iterable[str]) -> PromptRef | None:
    """The prompt behind the texts of one call, instructions first: the first that a prompt compiled to, or else the
    first that such a text is a part of.

    Parts are what applications make that put instructions, documents and questions together. They are looked for in the
    first 8 texts, where a text or one of its first 16 lines begins, and have 32 characters or more. No lock, no I/O.
    """
    if not _table:
        return None
    texts = [*texts]
    exact = (ref for text in texts if (ref := _table.get(text)) is not None)
    parts = (ref for text in texts[:_MAX_SEARCHED] if (ref := _table.find(text)) is not None)
    return next(exact, None) or next(parts, None)


class using(ContextBlock):  # noqa: N801  (reads as a function, like propagate_attributes)
    """Link every generation made inside the block to ``prompt``, also when its text was changed after compiling.

    Works as ``with``, as ``async with`` and as a decorator of functions and coroutine functions, and around awaits: the
    link lives in the OpenTelemetry context. The innermost block counts.

    A fallback (``prompt.is_fallback``) is no prompt of Langfuse's: inside its block this links nothing, not even to the
    prompt of a block around it, which did not make the text.

    Args:
        prompt: What ``Prompts.get`` returns, a prompt of Langfuse's SDK, or a ``PromptRef``.
    """

    def __init__(self, prompt: HasPromptIdentity) -> None:
        super().__init__()
        is_fallback = getattr(prompt, "is_fallback", False)
        label = getattr(prompt, "label", None)
        self._ref = None if is_fallback else PromptRef(prompt.name, prompt.version, label)

    def _changed(self, context: Context) -> Context:
        return otel_context.set_value(_CONTEXT_KEY, self._ref, context)


def current_prompt(context: Context | None = None) -> PromptRef | None:
    """The prompt of the innermost ``using`` block of this context; None when that is a fallback, or there is none."""
    ref = otel_context.get_value(_CONTEXT_KEY, context)
    return ref if isinstance(ref, PromptRef) else None

"""Which prompt made which text.

``compile()`` of a prompt remembers its result here; an instrumented call that sends that very text finds the prompt
again and links it, with no argument passed through the application. Lies below both the prompt client and the
instrumentation toolkit, so neither needs the other.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from opentelemetry import context as otel_context
from opentelemetry.context import Context

from langfuse_otel import fork
from langfuse_otel.context_block import ContextBlock

_MAX_TEXTS = 4_096
_MIN_CHARACTERS = 8  # shorter texts ("yes", "hello") occur without any prompt and would link by accident
_CONTEXT_KEY = otel_context.create_key("langfuse-prompt")


@dataclass(frozen=True, slots=True)
class PromptRef:
    """A prompt's identity in Langfuse: ``version`` counts from 1."""

    name: str
    version: int


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
        self._lock = threading.RLock()
        fork.register(self)

    def after_fork_child(self) -> None:
        self._lock = threading.RLock()  # the inherited one may be held by a thread that is not here

    def put(self, text: str, prompt: PromptRef) -> None:
        key = (len(text), hash(text))
        with self._lock:
            self._prompts[key] = prompt
            self._prompts.move_to_end(key)
            while len(self._prompts) > self._max_texts:
                self._prompts.popitem(last=False)

    def get(self, text: str) -> PromptRef | None:
        if not self._prompts:
            return None
        return self._prompts.get((len(text), hash(text)))


_table = _Table(_MAX_TEXTS)


def remember(text: str, prompt: PromptRef) -> None:
    """Note that ``prompt`` compiled to ``text``. Keeps the newest 4,096 texts, none under 8 characters."""
    if len(text) >= _MIN_CHARACTERS:
        _table.put(text, prompt)


def recall(text: str) -> PromptRef | None:
    """The prompt that compiled to exactly this text, or None. No lock, no I/O."""
    return _table.get(text)


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
        self._ref = None if is_fallback else PromptRef(prompt.name, prompt.version)

    def _changed(self, context: Context) -> Context:
        return otel_context.set_value(_CONTEXT_KEY, self._ref, context)


def current_prompt(context: Context | None = None) -> PromptRef | None:
    """The prompt of the innermost ``using`` block of this context; None when that is a fallback, or there is none."""
    ref = otel_context.get_value(_CONTEXT_KEY, context)
    return ref if isinstance(ref, PromptRef) else None

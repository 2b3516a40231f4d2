"""What one call of ``get`` wants: which prompt, of which type, how fresh, and what instead."""

# ruff: noqa: A002  `type` is the API's own word for it.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from typing_extensions import TypedDict

from langfuse_otel.errors import InvalidRequestError
from langfuse_otel.prompts.models import ChatPrompt, Prompt, PromptType, Selector, TextPrompt, chat_parts

Fallback: TypeAlias = str | Sequence[Any]
"""A text, or chat messages as dicts with role and content (placeholders: type and name)."""

Labels: TypeAlias = str | Sequence[str]
"""A label, or several: a later one counts only where Langfuse has no version with those before."""


class Which(TypedDict, total=False):
    """What a ``get`` may say besides a type and a fallback; see ``Prompts.get``."""

    version: int | None
    label: Labels | None
    ttl_s: float | None


@dataclass(frozen=True, slots=True)
class Ask:
    """One call's wishes, checked; see ``Prompts.get`` for their meaning."""

    selectors: tuple[Selector, ...]
    type: PromptType | None
    fallback: Prompt | None
    ttl_s: float | None

    @classmethod
    def of(
        cls,
        name: str,
        version: int | None,
        label: Labels | None,
        type: PromptType | None,
        fallback: Fallback | None,
        ttl_s: float | None,
    ) -> Ask:
        """Check the arguments of a call.

        Raises:
            InvalidRequestError: They contradict each other, or one cannot be meant.
        """
        selectors = _selectors(name, version, label)
        selector = selectors[0]
        if type not in (None, "text", "chat"):
            raise InvalidRequestError(f"{selector}: the type is {type!r}, not 'text' or 'chat'", status=400)
        if ttl_s is not None and not ttl_s >= 0:  # also refuses NaN
            raise InvalidRequestError(f"{selector}: ttl_s is {ttl_s!r}, not 0 or more seconds", status=400)
        if fallback is None:
            return cls(selectors, type, None, ttl_s)
        own = _fallback_prompt(selector, fallback)
        if type not in (None, own.type):
            raise InvalidRequestError(f"{selector}: asked for as {type}, the fallback is {own.type}", status=400)
        return cls(selectors, own.type, own, ttl_s)

    @property
    def name(self) -> str:
        """The prompt's."""
        return self.selectors[0].name

    def mismatch(self, prompt: Prompt) -> InvalidRequestError | None:
        """The error when the prompt has another type than the caller can use."""
        if self.type in (None, prompt.type):
            return None
        message = f"prompt {self.name[:200]!r} is of type {prompt.type}, asked for as {self.type}"
        return InvalidRequestError(message, status=400)


def type_of(content: Fallback) -> PromptType:
    """The type of prompt that this content makes."""
    return "text" if isinstance(content, str) else "chat"


def _selectors(name: str, version: int | None, label: Labels | None) -> tuple[Selector, ...]:
    if label is None or isinstance(label, str):
        return (Selector(name, version, label),)
    if not label:
        raise InvalidRequestError(f"prompt {name!r:.200}: the list of labels is empty", status=400)
    return tuple(Selector(name, version, each) for each in label)


def _fallback_prompt(selector: Selector, content: Fallback) -> Prompt:
    name, version, labels = selector.name, selector.version or 0, (selector.label,) if selector.label else ()
    if isinstance(content, str):
        return TextPrompt(name=name, version=version, labels=labels, prompt=content, is_fallback=True)
    return ChatPrompt(name=name, version=version, labels=labels, prompt=chat_parts(content), is_fallback=True)

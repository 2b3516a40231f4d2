"""What one call of ``get`` wants: which prompt, of which type, how fresh, and what instead."""

# ruff: noqa: A002  `type` is the API's own word for it.

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from langfuse_otel import log
from langfuse_otel.errors import InvalidRequestError
from langfuse_otel.prompts.models import ChatPrompt, Prompt, PromptType, Selector, TextPrompt, chat_parts

Fallback: TypeAlias = str | Sequence[Any]
"""A text, or chat messages as dicts with role and content (placeholders: type and name)."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One call's wishes, checked; see ``Prompts.get`` for their meaning."""

    selector: Selector
    type: PromptType | None
    fallback: Prompt | None
    ttl_s: float | None

    @classmethod
    def of(
        cls,
        name: str,
        version: int | None,
        label: str | None,
        type: PromptType | None,
        fallback: Fallback | None,
        ttl_s: float | None,
    ) -> Ask:
        """Check the arguments of a call.

        Raises:
            InvalidRequestError: They contradict each other, or one cannot be meant.
        """
        selector = Selector(name, version, label)
        if type not in (None, "text", "chat"):
            raise InvalidRequestError(f"{selector}: the type is {type!r}, not 'text' or 'chat'", status=400)
        if ttl_s is not None and not ttl_s >= 0:  # also refuses NaN
            raise InvalidRequestError(f"{selector}: ttl_s is {ttl_s!r}, not 0 or more seconds", status=400)
        if fallback is None:
            return cls(selector, type, None, ttl_s)
        own = _fallback_prompt(selector, fallback)
        if type not in (None, own.type):
            raise InvalidRequestError(f"{selector}: asked for as {type}, the fallback is {own.type}", status=400)
        return cls(selector, own.type, own, ttl_s)

    def fitting(self, prompt: Prompt) -> Prompt:
        """The prompt if it has the type that the caller can use, else the fallback.

        Raises:
            InvalidRequestError: It has the wrong type, and there is no fallback.
        """
        if self.type in (None, prompt.type):
            return prompt
        error = InvalidRequestError(f"{self.selector} is of type {prompt.type}, asked for as {self.type}", status=400)
        if self.fallback is None:
            raise error
        log.once(logging.ERROR, f"prompt-type:{self.selector.name}", "%s; the fallback is served", error)
        return self.fallback


def type_of(content: Fallback) -> PromptType:
    """The type of prompt that this content makes."""
    return "text" if isinstance(content, str) else "chat"


def _fallback_prompt(selector: Selector, content: Fallback) -> Prompt:
    name, version, labels = selector.name, selector.version or 0, (selector.label,) if selector.label else ()
    if isinstance(content, str):
        return TextPrompt(name=name, version=version, labels=labels, prompt=content, is_fallback=True)
    return ChatPrompt(name=name, version=version, labels=labels, prompt=chat_parts(content), is_fallback=True)

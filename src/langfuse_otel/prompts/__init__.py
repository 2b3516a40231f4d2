"""Prompts from Langfuse: cached, and linked to the generations that use them.

Light to import, as ``import langfuse_otel`` imports it; the client and what it needs come with the first name that is
asked for. The package gives way to the function ``langfuse_otel.prompts()``: reach it by ``from langfuse_otel.prompts
import …``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langfuse_otel.prompts.assignment import choose_label
    from langfuse_otel.prompts.client import Prompts
    from langfuse_otel.prompts.detail import PromptDetail
    from langfuse_otel.prompts.models import (
        ChatMessage,
        ChatPrompt,
        Placeholder,
        Prompt,
        PromptSummary,
        Selector,
        TextPrompt,
    )
    from langfuse_otel.prompts.webhook import PromptWebhook
else:  # to a type checker every name would exist

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'models')}"), name)

    _ELSEWHERE = {
        "PromptDetail": "detail",
        "PromptWebhook": "webhook",
        "Prompts": "client",
        "choose_label": "assignment",
    }


__all__ = [
    "ChatMessage",
    "ChatPrompt",
    "Placeholder",
    "Prompt",
    "PromptDetail",
    "PromptSummary",
    "PromptWebhook",
    "Prompts",
    "Selector",
    "TextPrompt",
    "choose_label",
]

"""Prompts from Langfuse: cached, and linked to the generations that use them.

Light to import, as ``import langfuse_otel`` imports it; the client and what it needs come with the first name that is
asked for. The package gives way to the function ``langfuse_otel.prompts()``: reach it by ``from langfuse_otel.prompts
import …``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langfuse_otel.prompts.client import Prompts
    from langfuse_otel.prompts.models import (
        ChatMessage,
        ChatPrompt,
        Placeholder,
        Prompt,
        PromptSummary,
        Selector,
        TextPrompt,
    )
else:  # to a type checker every name would exist

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = "client" if name == "Prompts" else "models"
        return getattr(import_module(f"{__name__}.{module}"), name)


__all__ = ["ChatMessage", "ChatPrompt", "Placeholder", "Prompt", "PromptSummary", "Prompts", "Selector", "TextPrompt"]

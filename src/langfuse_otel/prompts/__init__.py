"""Prompts from Langfuse: cached, and linked to the generations that use them."""

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

__all__ = ["ChatMessage", "ChatPrompt", "Placeholder", "Prompt", "PromptSummary", "Prompts", "Selector", "TextPrompt"]

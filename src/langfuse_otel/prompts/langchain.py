"""Prompts as LangChain templates (extra ``langchain``).

``{{name}}`` becomes ``{name}`` where LangChain can take the name (letters, digits, ``_``; not only digits); every other
brace is doubled and comes out as it was written, JSON included. Values that are given already are text from then on:
braces in them open nothing. The template carries the prompt as ``metadata["langfuse_prompt"]``, where Langfuse's own
callback handler looks for it; for our instrumentations format it inside ``using(prompt)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from langfuse_otel.errors import MissingExtraError
from langfuse_otel.prompts import template
from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, TextPrompt

try:
    from langchain_core.messages import BaseMessage, convert_to_messages
    from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
except ModuleNotFoundError as error:
    raise MissingExtraError("langchain", "langchain-core") from error

TextTemplate: TypeAlias = PromptTemplate
ChatTemplate: TypeAlias = ChatPromptTemplate

_NAME = re.compile(r"(?!\d+\Z)\w+")


def text_template(prompt: TextPrompt, values: Mapping[str, Any]) -> TextTemplate:
    """A text prompt's template, with these variables filled in."""
    return PromptTemplate.from_template(_f_string(prompt.prompt, values), metadata={"langfuse_prompt": prompt})


def chat_template(prompt: ChatPrompt, values: Mapping[str, Any]) -> ChatTemplate:
    """A chat prompt's template, with these variables and placeholders filled in.

    Raises:
        PromptCompileError: A value cannot be turned into text.
        ValueError: LangChain does not know the role of a message.
    """
    parts: list[tuple[str, str] | MessagesPlaceholder | BaseMessage] = []
    for part in prompt.prompt:
        if isinstance(part, ChatMessage):
            parts.append((part.role, _f_string(part.content, values)))
        elif part.name in values:
            parts += convert_to_messages(template.fill_placeholder(part.name, values))
        else:
            parts.append(MessagesPlaceholder(part.name))
    return ChatPromptTemplate(parts, metadata={"langfuse_prompt": prompt})


def _f_string(text: str, values: Mapping[str, Any]) -> str:
    """``text`` in LangChain's own language, in which what ``values`` says is literal."""
    pieces: list[str] = []
    for before, tag in template.pieces(text):
        pieces.append(_literal(before))
        name = template.name_of(tag)
        if name in values and tag:
            pieces.append(_literal(template.compile_text(tag, values)))
        else:
            pieces.append(f"{{{name}}}" if _NAME.fullmatch(name) else _literal(tag))
    return "".join(pieces)


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")

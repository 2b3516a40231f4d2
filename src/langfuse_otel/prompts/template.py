"""Langfuse's template language: ``{{variable}}`` and placeholders for messages.

Exactly what Langfuse's Python SDK 5.0.4 does (langfuse-api.md, section 4); the tests hold the two together:

* A tag is ``{{``, then everything to the next ``}}``; its name is what stands between, stripped.
* A known name becomes ``str(value)``, None becomes nothing; a tag with an unknown name stays exactly as written.
* An unclosed ``{{`` and what follows stay. No escaping, no nesting, no sections; a value is never expanded again.

One difference: a placeholder's message whose content is not text (None beside tool calls, a list of parts) is kept as
it is, where the SDK raises.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from langfuse_otel import log
from langfuse_otel.errors import PromptCompileError

_OPENING, _CLOSING = "{{", "}}"
_NO_ROLE = "NOT_GIVEN"


def variables(text: str) -> list[str]:
    """The names of all tags in order, with repetitions."""
    return [_name(tag) for _, tag in _pieces(text) if tag]


def compile_text(text: str, values: Mapping[str, Any]) -> str:
    """``text`` with its tags replaced by ``values``.

    Raises:
        PromptCompileError: A value's ``__str__`` raised; names the variable.
    """
    filled: list[str] = []
    for before, tag in _pieces(text):
        name = _name(tag)
        filled.append(before)
        filled.append(_value(name, values[name]) if tag and name in values else tag)
    return "".join(filled)


def fill_placeholder(name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages that stand for placeholder ``name``; itself when there is no value for it."""
    if name not in values:
        _warn(name, "has no value and stays in the messages: pass a list of messages to compile()")
        return [{"type": "placeholder", "name": name}]
    messages = values[name]
    if not isinstance(messages, list):
        _warn(name, f"needs a list of messages, not {type(messages).__name__}; it was inserted as text")
        return [{"role": _NO_ROLE, "content": _text(name, values[name])}]
    return [_message(name, message, values) for message in messages]


def _message(name: str, message: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(message, dict):
        _warn(name, "needs messages with role and content; its whole list was inserted as text")
        return {"role": _NO_ROLE, "content": _text(name, values[name])}
    content = message.get("content", "")
    if isinstance(content, str):
        content = compile_text(content, values)
    return {**message, "role": message.get("role", _NO_ROLE), "content": content}


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """``text`` in pairs: what stands before a tag, and the tag; the last tag is empty. Linear in the text's length."""
    at = 0
    while (start := text.find(_OPENING, at)) >= 0 and (end := text.find(_CLOSING, start)) >= 0:
        end += len(_CLOSING)
        yield text[at:start], text[start:end]
        at = end
    yield text[at:], ""


def _name(tag: str) -> str:
    return tag[len(_OPENING) : -len(_CLOSING)].strip()


def _value(name: str, value: Any) -> str:
    return "" if value is None else _text(name, value)


def _text(name: str, value: Any) -> str:
    try:
        return str(value)
    except Exception as error:
        message = f"the value of {name!r} ({type(value).__name__}) cannot be turned into text"
        raise PromptCompileError(message) from error


def _warn(name: str, problem: str) -> None:
    log.limited(logging.WARNING, f"prompt-placeholder:{name}", "placeholder %r %s", name, problem)

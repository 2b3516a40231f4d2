"""Langfuse's template language: ``{{variable}}`` and placeholders for messages.

Exactly what Langfuse's Python SDK 5.0.4 does (langfuse-api.md, section 4); the tests hold the two together:

* A tag is ``{{``, then everything to the next ``}}``; its name is what stands between, stripped.
* A known name becomes ``str(value)``, None becomes nothing; a tag with an unknown name stays exactly as written.
* An unclosed ``{{`` and what follows stay. No escaping, no nesting, no sections; a value is never expanded again.

One difference: a placeholder's message whose content is not text (None beside tool calls, a list of parts) is kept as
it is, where the SDK raises. And one addition: ``missing`` says what becomes of a tag or placeholder of the prompt that
has no value. It concerns the prompt's own ones only: what stands in the messages that a placeholder is filled with was
written by others, who could otherwise make ``error`` fail, or text vanish, with two braces.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias, cast, get_args

from langfuse_otel import log
from langfuse_otel.errors import PromptCompileError

Missing: TypeAlias = Literal["keep", "error", "empty"]
"""What becomes of a tag or placeholder without a value: it stays, is an error, or leaves nothing behind."""

_POLICIES = get_args(Missing)

_OPENING, _CLOSING = "{{", "}}"
NO_ROLE = "NOT_GIVEN"
"""Role of a message that came without one, in Langfuse's SDK as here."""


def variables(text: str) -> list[str]:
    """The names of all tags in order, with repetitions."""
    return [name_of(tag) for _, tag in pieces(text) if tag]


def policy(missing: Any) -> Missing:
    """``missing``, if it is one.

    Raises:
        PromptCompileError: It is none, and the prompt has no variable of this name that it could be meant for.
    """
    if missing not in _POLICIES:
        raise PromptCompileError(f"missing is {missing!r:.80}, not one of {', '.join(map(repr, _POLICIES))}")
    return cast("Missing", missing)


def require(names: Iterable[str], values: Mapping[str, Any]) -> None:
    """Nothing, if each name has a value.

    Raises:
        PromptCompileError: Some have none; names them all.
    """
    absent = [name for name in dict.fromkeys(names) if name not in values]
    if absent:
        raise PromptCompileError(f"without a value: {', '.join(map(repr, absent))}")


def compile_text(text: str, values: Mapping[str, Any], missing: Missing = "keep") -> str:
    """``text`` with its tags replaced by ``values``; whether one may be missing is for ``require`` to say.

    Raises:
        PromptCompileError: A value's ``__str__`` raised; names the variable.
    """
    filled: list[str] = []
    for before, tag in pieces(text):
        name = name_of(tag)
        filled.append(before)
        if tag and name in values:
            filled.append(_value(name, values[name]))
        elif missing != "empty":
            filled.append(tag)
    return "".join(filled)


def fill_placeholder(name: str, values: Mapping[str, Any], missing: Missing = "keep") -> list[dict[str, Any]]:
    """The messages that stand for placeholder ``name``; itself, or nothing, when there is no value for it."""
    if name not in values:
        if missing == "empty":
            return []
        _warn(name, "has no value and stays in the messages: pass a list of messages to compile()")
        return [{"type": "placeholder", "name": name}]
    messages = values[name]
    if not isinstance(messages, list):
        _warn(name, f"needs a list of messages, not {type(messages).__name__}; it was inserted as text")
        return [{"role": NO_ROLE, "content": _text(name, values[name])}]
    return [_message(name, message, values) for message in messages]


def _message(name: str, message: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(message, dict):
        _warn(name, "needs messages with role and content; its whole list was inserted as text")
        return {"role": NO_ROLE, "content": _text(name, values[name])}
    content = message.get("content", "")
    if isinstance(content, str):
        content = compile_text(content, values)
    return {**message, "role": message.get("role", NO_ROLE), "content": content}


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """``text`` in pairs: what stands before a tag, and the tag; the last tag is empty. Linear in the text's length."""
    at = 0
    while (start := text.find(_OPENING, at)) >= 0 and (end := text.find(_CLOSING, start)) >= 0:
        end += len(_CLOSING)
        yield text[at:start], text[start:end]
        at = end
    yield text[at:], ""


def name_of(tag: str) -> str:
    """What a tag names."""
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

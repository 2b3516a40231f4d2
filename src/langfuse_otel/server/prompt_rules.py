"""What a prompt may be: names, labels, messages (langfuse-api.md, section 4)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

LATEST = "latest"
"""The label that is always on the newest version, and that nobody else may move."""

Label: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=36, pattern=r"^[a-z0-9_\-.]+\Z")]
PromptType: TypeAlias = Literal["text", "chat"]

_RESERVED_NAMES = ("new", "metrics", "prompt-detail")  # pages of Langfuse's user interface
_TAG = re.compile(r"<[^>]*>")
_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}")
_PLACEHOLDER_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")


class Message(msgspec.Struct, kw_only=True):
    """An entry of a chat prompt: a message with text, or a placeholder for messages."""

    type: str | None = None
    name: str | None = None
    role: str | None = None
    content: str | None = None

    def __post_init__(self) -> None:
        if self.type == "placeholder":
            if self.name is None or not _PLACEHOLDER_NAME.fullmatch(self.name):
                raise ValueError("a placeholder's name is letters, digits and _, a letter first")
        elif self.role is None or self.content is None:
            raise ValueError("a message has role and content")

    def stored(self) -> dict[str, Any]:
        """As it is kept: any ``type`` of a normal message is dropped."""
        if self.type == "placeholder":
            return {"type": "placeholder", "name": self.name}
        return {"role": self.role, "content": self.content}


class CreatePromptBody(msgspec.Struct, kw_only=True, rename="camel"):
    """A new version; decoding raises msgspec.ValidationError when it breaks a rule.

    Attributes:
        tags: For all versions; None keeps those of the version before.
    """

    name: str
    prompt: str | list[Message]
    type: PromptType | None = None
    config: Any = {}
    labels: list[Label] | None = None
    tags: list[str] | None = None
    commit_message: Annotated[str, msgspec.Meta(max_length=500)] | None = None

    def __post_init__(self) -> None:
        if problem := name_problem(self.name):
            raise ValueError(f"name: {problem}")
        if (self.type == "chat") != isinstance(self.prompt, list):
            raise ValueError("prompt: a text prompt is a text, a chat prompt a list of messages")
        if isinstance(self.prompt, list) and (shared := _shared_names(self.prompt)):
            raise ValueError(f"prompt: variables and placeholders must have different names: {', '.join(shared)}")

    def stored_prompt(self) -> str | list[dict[str, Any]]:
        """``prompt`` as it is kept."""
        return self.prompt if isinstance(self.prompt, str) else [message.stored() for message in self.prompt]


def name_problem(name: str) -> str | None:
    """Why a prompt cannot have this name; None when it can."""
    if not name.strip():
        return "must not be empty"
    if "|" in name:
        return "must not contain '|'"
    if _TAG.search(name):
        return "must not contain HTML tags"
    if name.startswith("/") or name.endswith("/") or "//" in name:
        return "must not begin or end with '/', nor contain '//'"
    if name in _RESERVED_NAMES:
        return f"{name!r} is reserved"
    return None


def _shared_names(messages: Iterable[Message]) -> list[str]:
    messages = list(messages)
    placeholders = {message.name for message in messages if message.type == "placeholder" and message.name}
    texts = (message.content or "" for message in messages if message.type != "placeholder")
    return sorted(placeholders & {name for text in texts for name in _VARIABLE.findall(text)})

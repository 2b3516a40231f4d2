"""What a prompt is: text or chat, identified by name and version, chosen by a selector. Immutable, so safe to share."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

import msgspec

from langfuse_otel import provenance
from langfuse_otel.errors import InvalidRequestError
from langfuse_otel.prompts import template

PromptType: TypeAlias = Literal["text", "chat"]

DEFAULT_LABEL = "production"


@dataclass(frozen=True, slots=True)
class Selector:
    """Which version of which prompt: a version's number, or the label that points at one. Never both.

    Args:
        name: Folders are written with ``/``.
        version: From 1.
        label: ``production`` when there is no version either.

    Raises:
        InvalidRequestError: The selector can't mean a prompt.
    """

    name: str
    version: int | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        _require_name(self.name)
        if self.version is not None and self.label is not None:
            raise _invalid(f"prompt {self.name[:200]!r}: give a version or a label, not both")
        if self.version is None and self.label is None:
            object.__setattr__(self, "label", DEFAULT_LABEL)
        if self.version is not None and (type(self.version) is not int or self.version < 1):
            raise _invalid(f"prompt {self.name[:200]!r}: the version is {self.version!r}, not a whole number from 1")
        if self.label is not None and not _is_word(self.label):
            raise _invalid(f"prompt {self.name[:200]!r}: the label is {self.label!r}, not a word")

    def __str__(self) -> str:
        which = f"label {self.label!r}" if self.version is None else f"version {self.version}"
        return f"prompt {self.name[:200]!r} with {which}"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A message of a chat prompt; the content may hold ``{{variables}}``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place in a chat prompt that messages are put into when it is compiled."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prompt:
    """What text and chat prompts share.

    Attributes:
        name: Name in Langfuse.
        version: From 1; 0 for a fallback without a version.
        labels: Labels that pointed at this version when it was read.
        tags: Tags of the prompt.
        commit_message: What its author said about this version.
        is_fallback: Whether this is the caller's own text, served because Langfuse could not be reached. Never linked.
        config_json: The configuration as stored: any JSON.
    """

    name: str
    version: int
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    commit_message: str | None = None
    is_fallback: bool = False
    config_json: bytes = field(default=b"{}", repr=False)

    @property
    def config(self) -> Any:
        """The configuration, decoded anew each time: changing it changes no one else's."""
        return msgspec.json.decode(self.config_json)

    def _remember(self, texts: Iterable[str]) -> None:
        """Note who made these texts, so that the generation that sends them is linked to this prompt."""
        if self.is_fallback:
            return
        ref = provenance.PromptRef(self.name, self.version)
        for text in texts:
            provenance.remember(text, ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPrompt(_Prompt):
    """A prompt that is one text.

    Attributes:
        prompt: The template.
    """

    type: ClassVar[Literal["text"]] = "text"
    prompt: str

    @property
    def variables(self) -> tuple[str, ...]:
        """Names in ``{{…}}``, in order, repeated ones repeated."""
        return tuple(template.variables(self.prompt))

    @property
    def size_bytes(self) -> int:
        """Memory that it takes, about."""
        return sys.getsizeof(self.prompt) + sys.getsizeof(self.config_json)

    def compile(self, /, **variables: Any) -> str:
        """The text with variables filled in; unknown ones stay as written. See ``template`` for the rules.

        Raises:
            PromptCompileError: A value cannot be turned into text.
        """
        text = template.compile_text(self.prompt, variables)
        self._remember([text])
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatPrompt(_Prompt):
    """A prompt that is a list of messages and placeholders for messages.

    Attributes:
        prompt: The templates.
    """

    type: ClassVar[Literal["chat"]] = "chat"
    prompt: tuple[ChatMessage | Placeholder, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Names in ``{{…}}`` of all messages, in order, repeated ones repeated. Without placeholders."""
        messages = (part for part in self.prompt if isinstance(part, ChatMessage))
        return tuple(name for message in messages for name in template.variables(message.content))

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the placeholders, in order."""
        return tuple(part.name for part in self.prompt if isinstance(part, Placeholder))

    @property
    def size_bytes(self) -> int:
        """Memory that it takes, about."""
        contents = (part.content if isinstance(part, ChatMessage) else part.name for part in self.prompt)
        return sum(map(sys.getsizeof, contents)) + sys.getsizeof(self.config_json)

    def compile(self, /, **values: Any) -> list[dict[str, Any]]:
        """The messages, with variables and placeholders filled in from the same keywords.

        Args:
            **values: For a variable, what to insert; for a placeholder, a list of messages (dicts with role and
                content; further fields such as tool calls are kept).

        Returns:
            New dicts; a placeholder without a value stays in as ``{"type": "placeholder", "name": …}``.

        Raises:
            PromptCompileError: A value cannot be turned into text.
        """
        messages: list[dict[str, Any]] = []
        for part in self.prompt:
            if isinstance(part, ChatMessage):
                content = template.compile_text(part.content, values)
                self._remember([content])
                messages.append({"role": part.role, "content": content})
            else:
                messages.extend(template.fill_placeholder(part.name, values))
        return messages


Prompt: TypeAlias = TextPrompt | ChatPrompt


@dataclass(frozen=True, slots=True)
class PromptSummary:
    """One prompt in a listing, all its versions together.

    Attributes:
        name: Name in Langfuse.
        type: ``text`` or ``chat``.
        versions: Numbers of its versions that match the listing's filter.
        labels: Labels in use on them.
        tags: Its tags.
        last_updated_at: ISO 8601, as the server says it; None on old servers.
    """

    name: str
    type: PromptType | None
    versions: tuple[int, ...]
    labels: tuple[str, ...]
    tags: tuple[str, ...]
    last_updated_at: str | None


def chat_parts(messages: Sequence[Any]) -> tuple[ChatMessage | Placeholder, ...]:
    """Messages as callers write them (dicts, or our own classes) as parts of a chat prompt.

    Raises:
        InvalidRequestError: One is neither a message (role and content, both text) nor a placeholder (a name).
    """
    return tuple(_chat_part(message) for message in messages)


def _chat_part(message: Any) -> ChatMessage | Placeholder:
    if isinstance(message, ChatMessage | Placeholder):
        return message
    if isinstance(message, Mapping):
        name, role, content = message.get("name"), message.get("role"), message.get("content")
        if message.get("type") == "placeholder" and isinstance(name, str):
            return Placeholder(name)
        if isinstance(role, str) and isinstance(content, str):
            return ChatMessage(role, content)
    raise _invalid("a chat message needs a role and a content, both text; a placeholder type and name")


def _require_name(name: object) -> None:
    """A name is one segment of a URL; a dot segment is removed on the way by any client or proxy, even if encoded."""
    if not _is_word(name):
        raise _invalid(f"the prompt's name is {name!r:.200}: it must be text, and not blank")
    if name in (".", ".."):
        raise _invalid(f"the prompt's name is {name!r}, which no URL can carry")


def _is_word(value: object) -> bool:
    """Text that is not blank and can be sent: a lone surrogate cannot."""
    return isinstance(value, str) and bool(value.strip()) and not any("\ud800" <= c <= "\udfff" for c in value)


def _invalid(message: str) -> InvalidRequestError:
    return InvalidRequestError(message, status=400)

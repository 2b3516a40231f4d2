"""What a prompt is: text or chat, identified by name and version, chosen by a selector. Immutable, so safe to share."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, cast

import msgspec

from langfuse_otel import provenance
from langfuse_otel.errors import InvalidRequestError, PromptCompileError
from langfuse_otel.prompts import template
from langfuse_otel.prompts.template import Missing

if TYPE_CHECKING:
    from langfuse_otel.prompts.diff import PromptDiff
    from langfuse_otel.prompts.langchain import ChatTemplate, TextTemplate

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
class _Prompt(ABC):
    """What text and chat prompts share.

    Attributes:
        name: Name in Langfuse.
        version: From 1; 0 for a fallback without a version.
        labels: Labels that pointed at this version when it was read.
        tags: Tags of the prompt.
        commit_message: What its author said about this version.
        is_fallback: Whether this is the caller's own text, served because Langfuse could not be reached. Never linked.
        label: The label that it was asked for by; shown on the generations that use it. None if by version.
        config_json: The configuration as stored: any JSON.
    """

    name: str
    version: int
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    commit_message: str | None = None
    is_fallback: bool = False
    label: str | None = field(default=None, compare=False)
    config_json: bytes = field(default=b"{}", repr=False)

    @property
    def config(self) -> Any:
        """The configuration, decoded anew each time: changing it changes no one else's."""
        return msgspec.json.decode(self.config_json)

    @property
    @abstractmethod
    def variables(self) -> tuple[str, ...]:
        """Names in ``{{…}}``, in order, repeated ones repeated."""

    @property
    @abstractmethod
    def placeholders(self) -> tuple[str, ...]:
        """Names of the places for messages, in order; a text has none."""

    def diff(self, other: Prompt) -> PromptDiff:
        """What ``other`` has that this one has not, and the reverse: texts, names to fill in, configuration."""
        from langfuse_otel.prompts.diff import diff  # builds on this module

        return diff(cast("Prompt", self), other)

    def _given(self, missing: Any, variables: dict[str, Any]) -> Missing:
        """How to treat what is missing. A variable of that very name is Langfuse's, and gets its value."""
        if missing == "keep" or "missing" not in (*self.variables, *self.placeholders):
            return cast("Missing", missing)
        variables["missing"] = missing
        return "keep"

    def _checked(self, values: Mapping[str, Any], missing: Missing) -> None:
        if missing == "keep" or template.policy(missing) != "error":
            return
        try:
            template.require((*self.variables, *self.placeholders), values)
        except PromptCompileError as error:
            raise PromptCompileError(f"prompt {self.name!r} version {self.version} is {error}") from None

    def _remember(self, texts: Iterable[str]) -> None:
        """Note who made these texts, so that the generation that sends them is linked to this prompt."""
        if self.is_fallback:
            return
        ref = provenance.PromptRef(self.name, self.version, self.label)
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
    def placeholders(self) -> tuple[str, ...]:
        """None: a text has no place for messages."""
        return ()

    @property
    def size_bytes(self) -> int:
        """Memory that it takes, about."""
        return sys.getsizeof(self.prompt) + sys.getsizeof(self.config_json)

    def compile(self, /, *, missing: Missing = "keep", **variables: Any) -> str:
        """The text with variables filled in. See ``template`` for the rules.

        Args:
            missing: A variable without a value stays as written (``keep``), is an error, or leaves nothing (``empty``).
                If the prompt has a variable of this name, this is its value instead, as in Langfuse's SDK.
            **variables: By name; others than the prompt's are ignored. Names that are no Python names: ``fill``.

        Raises:
            PromptCompileError: A value cannot be turned into text, or one is missing that may not be.
        """
        return self.fill(variables, missing=self._given(missing, variables))

    def fill(self, values: Mapping[str, Any], *, missing: Missing = "keep") -> str:
        """``compile`` with the values in a mapping, so that any name can be one, and none means anything else."""
        self._checked(values, missing)
        text = template.compile_text(self.prompt, values, missing)
        self._remember([text])
        return text

    def to_openai(self, /, *, missing: Missing = "keep", **variables: Any) -> list[dict[str, Any]]:
        """``compile`` as a conversation: one message of role ``user``, for another role write it around the text."""
        return [{"role": "user", "content": self.compile(missing=missing, **variables)}]

    def to_langchain(self, /, **variables: Any) -> TextTemplate:
        """A LangChain template of what these variables leave open. See ``prompts.langchain`` for the rules.

        Raises:
            MissingExtraError: ``langchain-core`` is not installed.
        """
        from langfuse_otel.prompts.langchain import text_template  # an extra, and builds on this module

        return text_template(self, variables)


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

    def compile(self, /, *, missing: Missing = "keep", **values: Any) -> list[dict[str, Any]]:
        """The messages, with variables and placeholders filled in from the same keywords.

        Args:
            missing: As for a text. A placeholder without messages stays in as ``{"type": "placeholder", "name": …}``
                (``keep``), is an error, or leaves nothing (``empty``).
            **values: For a variable, what to insert; for a placeholder, a list of messages (dicts with role and
                content; further fields such as tool calls are kept).

        Returns:
            New dicts.

        Raises:
            PromptCompileError: A value cannot be turned into text, or one is missing that may not be.
        """
        return self.fill(values, missing=self._given(missing, values))

    def fill(self, values: Mapping[str, Any], *, missing: Missing = "keep") -> list[dict[str, Any]]:
        """``compile`` with the values in a mapping, so that any name can be one, and none means anything else."""
        self._checked(values, missing)
        messages: list[dict[str, Any]] = []
        for part in self.prompt:
            if isinstance(part, ChatMessage):
                content = template.compile_text(part.content, values, missing)
                self._remember([content])
                messages.append({"role": part.role, "content": content})
            else:
                messages.extend(template.fill_placeholder(part.name, values, missing))
        return messages

    def to_openai(self, /, *, missing: Missing = "keep", **values: Any) -> list[dict[str, Any]]:
        """``compile``, and nothing in it that OpenAI's API would refuse for want of a role.

        Raises:
            PromptCompileError: Also when a placeholder is left, or what it was given are no messages.
        """
        messages = self.compile(missing=missing, **values)
        for message in messages:
            if message.get("type") == "placeholder":
                problem = f"placeholder {message.get('name')!r} has no messages: give it a list, [] for none"
            elif message["role"] == template.NO_ROLE:
                problem = "a placeholder was given something else than messages with a role"
            else:
                continue
            raise PromptCompileError(f"prompt {self.name!r} version {self.version}: {problem}")
        return messages

    def to_langchain(self, /, **values: Any) -> ChatTemplate:
        """A LangChain template of what these values leave open, a MessagesPlaceholder for each open placeholder.

        Raises:
            MissingExtraError: ``langchain-core`` is not installed.
        """
        from langfuse_otel.prompts.langchain import chat_template  # an extra, and builds on this module

        return chat_template(self, values)


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

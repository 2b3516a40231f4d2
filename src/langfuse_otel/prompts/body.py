"""A prompt in JSON, as the API writes it: what the server sends, and what snapshots and shared stores keep."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from langfuse_otel.prompts.models import ChatMessage, ChatPrompt, Placeholder, Prompt, TextPrompt


class _Part(msgspec.Struct):
    """A chat message or placeholder; ``type`` may be missing, ``message`` or ``chatmessage``."""

    type: str | None = None
    name: str | None = None
    role: str | None = None
    content: str | None = None

    def model(self) -> ChatMessage | Placeholder:
        if self.type == "placeholder" and self.name is not None:
            return Placeholder(self.name)
        if self.role is None or self.content is None:
            raise ValueError("a chat message without role or content")
        return ChatMessage(self.role, self.content)


class PromptBody(msgspec.Struct, rename="camel"):
    """The fields of the API's prompt object that a prompt is made of; further ones are ignored."""

    name: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    prompt: str | list[_Part]
    type: str | None = None
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    config: msgspec.Raw = msgspec.Raw(b"{}")
    commit_message: str | None = None

    def model(self) -> Prompt:
        """The prompt.

        Raises:
            ValueError: It is none: of an unknown type, or its content is not of its type.
        """
        msgspec.json.decode(self.config)  # now rather than when the application asks for it
        common: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "labels": self.labels,
            "tags": self.tags,
            "config_json": bytes(self.config),
            "commit_message": self.commit_message,
        }
        if (self.type or "text") != ("text" if isinstance(self.prompt, str) else "chat"):
            raise ValueError(f"a prompt of type {self.type!r} that is none")
        if isinstance(self.prompt, str):
            return TextPrompt(prompt=self.prompt, **common)
        return ChatPrompt(prompt=tuple(part.model() for part in self.prompt), **common)


# Made here, as all decoders are beside their type, and not by the first who decodes: msgspec (0.22) crashes the process
# when two threads look into a type for the first time at the same instant.
decode_body = msgspec.json.Decoder(PromptBody).decode


def body_of(prompt: Prompt) -> dict[str, Any]:
    """The prompt as the API would send it; ``msgspec.json.encode`` writes it."""
    return {
        "name": prompt.name,
        "version": prompt.version,
        "type": prompt.type,
        "prompt": content_body(prompt.prompt),
        "config": msgspec.Raw(prompt.config_json),
        "labels": prompt.labels,
        "tags": prompt.tags,
        "commitMessage": prompt.commit_message,
    }


def content_body(content: str | tuple[ChatMessage | Placeholder, ...]) -> str | list[dict[str, str]]:
    """A prompt's text, or its messages and placeholders as the API writes them."""
    return content if isinstance(content, str) else [_part_body(part) for part in content]


def _part_body(part: ChatMessage | Placeholder) -> dict[str, str]:
    if isinstance(part, Placeholder):
        return {"type": "placeholder", "name": part.name}
    return {"role": part.role, "content": part.content}

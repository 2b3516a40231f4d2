"""The assistant's two prompts. They live in Langfuse; the texts here are the first version and the fallback."""

from __future__ import annotations

import langfuse_otel
from langfuse_otel.errors import NotFoundError
from langfuse_otel.prompts import ChatMessage, ChatPrompt, Placeholder, Prompts, TextPrompt

INSTRUCTIONS = "tarn/instructions"
INSTRUCTIONS_TEXT = (
    "You are the support assistant of {{shop}}, which sells the Tarn K2 kettle. "
    "If a tool can answer a part of the question, call it. Otherwise answer with the word NONE."
)

ANSWER = "tarn/answer"
ANSWER_MESSAGES = (
    ChatMessage(
        "system",
        "You are the support assistant of {{shop}}. Answer in one or two friendly sentences, from these passages and "
        "the results of tools only; if they do not say it, say so.\n\n{{passages}}",
    ),
    Placeholder("history"),
    ChatMessage("user", "{{question}}"),
)


def instructions() -> TextPrompt:
    """Instructions for choosing tools."""
    return langfuse_otel.prompts().get(INSTRUCTIONS, type="text", fallback=INSTRUCTIONS_TEXT)


def answer() -> ChatPrompt:
    """The messages that ask for the final answer; the placeholder ``history`` takes the turns before."""
    return langfuse_otel.prompts().get(ANSWER, type="chat", fallback=ANSWER_MESSAGES)


def store(client: Prompts) -> None:
    """Have both in Langfuse under the label ``production``; what somebody has put there already stays.

    Raises:
        LangfuseError: Langfuse cannot be reached, or refuses.
    """
    for name, content in ((INSTRUCTIONS, INSTRUCTIONS_TEXT), (ANSWER, ANSWER_MESSAGES)):
        try:
            client.get(name)
        except NotFoundError:
            client.create(name, content, labels=["production"], tags=["demo"])

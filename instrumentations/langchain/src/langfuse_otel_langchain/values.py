"""Values of LangChain → messages of the conventions, answers of models as attributes, all else as plain structures."""

from __future__ import annotations

from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue

from langfuse_otel.instrumentation import Attributes, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import field, items, text
from langfuse_otel.instrumentation.frameworks import answers, called_model, document, plain
from langfuse_otel.instrumentation.messages import Message
from langfuse_otel.instrumentation.typed_blocks import parts_of

_ROLES = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant", "function": "tool", "remove": "system"}
_OWN_IDS = ("lc_", "run-")  # of messages to which the provider gave none


def message(given: BaseMessage, finish_reason: str | None = None) -> Message:
    """One message."""
    role = text(given, "role") or _ROLES.get(given.type, given.type)
    if isinstance(given, ToolMessage):
        return said.message("tool", [said.tool_call_response(given.tool_call_id, read(given.content))])
    is_text = isinstance(given.content, str) and not (isinstance(given, AIMessage) and given.tool_calls)
    # Reasoning that providers put elsewhere is found among the content blocks.
    content = given.content if is_text and not given.additional_kwargs else given.content_blocks
    return said.message(role, parts_of(content), name=given.name, finish_reason=finish_reason)


_READERS: dict[type, Any] = {BaseMessage: message, Document: document, PromptValue: lambda given: given.to_messages()}


def read(value: Any) -> Any:
    """``value`` with its messages as messages of the conventions, and documents and state objects as dicts."""
    return plain(value, _READERS)


def messages(given: Any) -> list[Message]:
    """Messages in whatever form they were given, or prompts."""
    return [message(entry) for entry in convert_to_messages(given)]


def messages_of(state: Any) -> list[Message]:
    """The messages of a graph's state; empty if it has none."""
    return messages(items(state, "messages"))


def _response(result: Any) -> Attributes:
    generations = _generations(result)
    answer = field(next(iter(generations), None), "message")
    has_own_id = (text(answer, "id") or "").startswith(_OWN_IDS)
    places = (field(answer, "response_metadata"), field(result, "llm_output"), None if has_own_id else answer)
    # An answer from LangChain's cache repeats the tokens and says that they cost nothing.
    return answers.described(*places, usage=field(answer, "usage_metadata"), reasons=map(_finish_reason, generations))


def _output(result: Any) -> Content:
    generations = _generations(result)
    told = (getattr(generation, "message", None) or AIMessage(generation.text) for generation in generations)
    return {names.OUTPUT_MESSAGES: list(map(message, told, map(_finish_reason, generations)))}


def _generations(result: Any) -> Any:
    """Those of the only prompt; after an error the list may be empty, or hold what came until then."""
    return next(iter(items(result, "generations")), ())


def _finish_reason(generation: Any) -> str | None:
    described = field(field(generation, "message"), "response_metadata")
    return answers.finish_reason(field(generation, "generation_info"), described)


CHAT = called_model(names.CHAT, messages, _response, _output)
TEXT = called_model(names.TEXT_COMPLETION, messages, _response, _output)

"""A prompt, a callable that sends it, and the generation that tells of both."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from langfuse_otel import log
from langfuse_otel.tracing.fields import GenerationFields, PromptVersion
from langfuse_otel.tracing.live import LiveObservation
from langfuse_otel.tracing.start import begin


class Compilable(PromptVersion, Protocol):
    """A prompt that can be filled: what ``prompts.get`` returns."""

    def compile(self, **variables: Any) -> Any:
        """The text, or the messages."""
        ...


def track_llm_call(
    call: Callable[[Any], Any],
    prompt: Compilable | str | list[Any],
    variables: Mapping[str, Any] | None = None,
    *,
    model: str | None = None,
    provider: str | None = None,
    name: str | None = None,
    read: Callable[[Any], GenerationFields] | None = None,
    **fields: Any,
) -> Any:
    """Fill a prompt, call a model with it, and record the call as a generation that is linked to the prompt.

    Args:
        call: Gets the text or the messages, and returns the reply; a coroutine function returns an awaitable of it.
        prompt: A prompt of ``prompts.get``, or text or messages to send as they are.
        variables: What to fill it with.
        model: The model's name.
        provider: Whose it is, for example ``openai``; shown as metadata.
        name: Of the generation; by default ``chat`` and the model.
        read: From the reply to what to say of it: output, usage, cost … By default, and when it fails, the reply is the
            output.
        **fields: More about the call, see ``GenerationFields``.

    Returns:
        What ``call`` returns, or an awaitable of it. What it raises goes through; the generation is an error then.
    """
    told = GenerationFields(**fields)  # type: ignore[typeddict-item]
    sent: Any = prompt
    if not isinstance(prompt, (str, list)):
        sent, told["prompt"] = prompt.compile(**(variables or {})), prompt
    told["input"], told["model"] = sent, model
    if provider is not None:
        told["metadata"] = {"provider": provider, **(told.get("metadata") or {})}
    generation = begin(name or f"chat {model or 'model'}", "generation", told)
    if inspect.iscoroutinefunction(call):
        return _awaited(generation, call, sent, read)
    with generation:
        return _told(generation, call(sent), read)


async def _awaited(
    generation: LiveObservation,
    call: Callable[[Any], Any],
    sent: Any,
    read: Callable[[Any], GenerationFields] | None,
) -> Any:
    with generation:
        return _told(generation, await call(sent), read)


def _told(generation: LiveObservation, reply: Any, read: Callable[[Any], GenerationFields] | None) -> Any:
    try:
        generation.update(**(GenerationFields(output=reply) if read is None else read(reply)))
    except Exception as error:  # the reply was paid for, and must not be lost over what is said of it
        log.limited(logging.WARNING, "tracing.read", "a reply could not be read: %s: %s", type(error).__name__, error)
        generation.update(output=reply)
    return reply

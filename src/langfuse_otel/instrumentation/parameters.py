"""Parameters of requests → attributes, as a table of what each argument says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from opentelemetry.util.types import AttributeValue

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.declare import Arguments, Attributes
from langfuse_otel.instrumentation.fields import number, text, texts, whole

Parameters: TypeAlias = Mapping[str, tuple[str, Callable[[Arguments, str], AttributeValue | None]]]
"""Argument → the attribute, and what reads the argument: (arguments, name) → value.

A reader gives None for values of the wrong type, a client's sentinels for "not given" among them.
"""


def attributes_of(arguments: Arguments, parameters: Parameters) -> Attributes:
    """What the arguments say. Those in ``extra_body`` go to the server in place of others of the same name."""
    extra = arguments.get("extra_body")
    if isinstance(extra, dict):
        arguments = {**arguments, **extra}
    attributes: Attributes = {}
    for name in arguments:
        if name in parameters:
            attribute, read = parameters[name]
            value = read(arguments, name)
            if value is not None:
                attributes[attribute] = value
    return attributes


def flag(arguments: Arguments, name: str) -> bool | None:
    """True if that is what the argument is; nothing for False."""
    return True if arguments[name] is True else None


def above_one(arguments: Arguments, name: str) -> int | None:
    """A count that is not the 1 that goes without saying."""
    count = whole(arguments, name)
    return count if count != 1 else None


SAMPLING: Parameters = {
    "stream": (names.REQUEST_STREAM, flag),
    "temperature": (names.REQUEST_TEMPERATURE, number),
    "top_p": (names.REQUEST_TOP_P, number),
    "max_tokens": (names.REQUEST_MAX_TOKENS, whole),
    "frequency_penalty": (names.REQUEST_FREQUENCY_PENALTY, number),
    "presence_penalty": (names.REQUEST_PRESENCE_PENALTY, number),
    "stop": (names.REQUEST_STOP_SEQUENCES, texts),
    "seed": (names.REQUEST_SEED, whole),
    "n": (names.REQUEST_CHOICE_COUNT, above_one),
}
"""Arguments that most clients call the same."""

ANY_SPELLING: Parameters = {
    **SAMPLING,
    **dict.fromkeys(
        ("max_completion_tokens", "max_output_tokens", "maxTokens", "maxTokenCount", "max_gen_len"),
        (names.REQUEST_MAX_TOKENS, whole),
    ),
    **dict.fromkeys(("topP", "p"), (names.REQUEST_TOP_P, number)),
    **dict.fromkeys(("top_k", "topK", "k"), (names.REQUEST_TOP_K, whole)),
    **dict.fromkeys(("stop_sequences", "stopSequences"), (names.REQUEST_STOP_SEQUENCES, texts)),
    "dimensions": (names.EMBEDDINGS_DIMENSION_COUNT, whole),
    "reasoning_effort": (names.REQUEST_REASONING_LEVEL, text),
}
"""The same and more, by all names that makers of models have for them: for what is passed on to any of them."""

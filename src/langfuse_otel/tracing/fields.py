"""What may be said about an observation, at its start, while it goes on, and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Protocol

from opentelemetry.util.types import AttributeValue
from typing_extensions import TypedDict

from langfuse_otel.json_encoding import to_text
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import Level, ObservationType

PREFIX = "langfuse.observation."


class PromptVersion(Protocol):
    """A prompt of Langfuse's: what ``prompts.get`` returns, or a ``PromptRef``."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def version(self) -> int | None:
        """Its version; None, as of a fallback, links nothing."""
        ...


class Fields(TypedDict, total=False):
    """Keyword arguments about any observation. None is as good as left out.

    ``input`` and ``output`` are what JSON can say; anything else is shown as its ``str()``. ``metadata`` is added to,
    key by key. ``level`` is ``DEBUG``, ``DEFAULT``, ``WARNING`` or ``ERROR``; ``version`` is that of your code.
    """

    input: Any
    output: Any
    metadata: Mapping[str, Any] | None
    level: Level | None
    status_message: str | None
    version: str | None


class GenerationFields(Fields, total=False):
    """Keyword arguments about a call of a model.

    ``usage`` counts tokens, ``cost`` is in US dollars, both by Langfuse's keys (``input``, ``output``, ``total``,
    ``input_cached_tokens`` …), which are disjoint but for ``total``. ``completion_start_time`` is when the first piece
    of the answer came. ``prompt`` links the version of a prompt.
    """

    model: str | None
    model_parameters: Mapping[str, Any] | None
    usage: Mapping[str, int] | None
    cost: Mapping[str, float] | None
    completion_start_time: datetime | None
    prompt: PromptVersion | None


_NAMES = {
    "input": "input",
    "output": "output",
    "level": "level",
    "status_message": "status_message",
    "model": "model.name",
    "model_parameters": "model.parameters",
    "usage": "usage_details",
    "cost": "cost_details",
}


def attributes_of(fields: Fields, kind: ObservationType | None = None) -> dict[str, AttributeValue]:
    """Fields as Langfuse's span attributes (langfuse-api.md, section 6.3).

    Raises:
        TypeError: A field is unknown, as with any wrong keyword argument.
    """
    attributes: dict[str, AttributeValue] = {} if kind is None else {PREFIX + "type": kind}
    for name, value in fields.items():
        if value is None:
            continue
        if name in _NAMES:
            attributes[PREFIX + _NAMES[name]] = _text(value)
        elif name == "metadata" and isinstance(value, Mapping):
            attributes.update({f"{PREFIX}metadata.{key}": _plain(entry) for key, entry in value.items()})
        elif name == "version":
            attributes["langfuse.version"] = str(value)
        elif name == "completion_start_time" and isinstance(value, datetime):
            attributes[PREFIX + name] = value.astimezone(timezone.utc).isoformat()
        elif name == "prompt":
            attributes.update(_prompt(value))
        else:
            raise TypeError(f"an observation has no {name}={value!r:.80}")
    return attributes


def _prompt(prompt: Any) -> dict[str, AttributeValue]:
    if prompt.version is None:
        return {}
    return {PREFIX + "prompt.name": prompt.name, PREFIX + "prompt.version": prompt.version}


def _plain(value: object) -> AttributeValue:
    return value if isinstance(value, (bool, int, float)) else _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else to_text(json_safe(value))

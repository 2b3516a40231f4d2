"""Prompt links of spans that others made: which version a named prompt has, which prompt made an unnamed text.

At export, where the span of any instrumentation has become an observation; from memory, without I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec

from langfuse_otel.errors import InvalidRequestError
from langfuse_otel.observation import Message, Observation
from langfuse_otel.prompts.models import Prompt, Selector
from langfuse_otel.provenance import PROMPT_LABEL, PromptRef, recall_among

Find: TypeAlias = Callable[[Selector], Prompt | None]
"""A prompt that is in memory, fresh or stale. Must not do I/O, nor raise."""

# Attributes that name a prompt, in the order of their weight, each with that of its version. An incomplete pair is in
# the observation's metadata.
_PAIRS = (
    ("langfuse.observation.prompt.name", "langfuse.observation.prompt.version"),
    ("langfuse.prompt.name", "langfuse.prompt.version"),
    ("gen_ai.prompt.name", "gen_ai.prompt.version"),
    ("traceloop.prompt.key", "traceloop.prompt.version"),
)
_MAX_VERSION = 65_535  # see ``Observation.prompt_version``
_LABEL = PROMPT_LABEL.rpartition(".")[2]  # the key in the metadata


def completed_by(find: Find) -> Callable[[Observation], Observation]:
    """A step that completes observations without a prompt.

    A span that names a prompt gets the version that its label stands for: the label may be in the version's place, and
    is ``production`` otherwise. What is not in memory stays as it was. A generation that names none is linked by the
    texts that it sent, as our own instrumentations do it (``provenance``). The step has to run before content is left
    out or masked.
    """

    def complete(observation: Observation) -> Observation:
        if observation.prompt_name is not None:
            return observation
        for name_key, version_key in _PAIRS:
            if name_key in observation.metadata:
                return _with_version(observation, name_key, version_key, find)
        if observation.type != "generation":
            return observation
        ref = recall_among(_texts(observation.input))
        return observation if ref is None else _linked(observation, ref, observation.metadata)

    return complete


def _with_version(observation: Observation, name_key: str, version_key: str, find: Find) -> Observation:
    name, label = observation.metadata[name_key], observation.metadata.get(version_key)
    try:
        prompt = find(Selector(name, label=label))
    except InvalidRequestError:  # a name or label that cannot be one
        prompt = None
    if prompt is None:
        return observation
    rest = {key: value for key, value in observation.metadata.items() if key not in (name_key, version_key)}
    return _linked(observation, PromptRef(prompt.name, prompt.version, label), rest)


def _linked(observation: Observation, ref: PromptRef, metadata: dict[str, Any]) -> Observation:
    if not 1 <= ref.version <= _MAX_VERSION:
        return observation
    if ref.label is not None:
        metadata = {_LABEL: ref.label, **metadata}
    return msgspec.structs.replace(observation, prompt_name=ref.name, prompt_version=ref.version, metadata=metadata)


def _texts(sent: Any) -> Iterator[str]:
    """The texts of an observation's input, which may be JSON: one, or those of its messages and their parts."""
    if isinstance(sent, str):
        yield sent
        sent = _decoded(sent)
    if isinstance(sent, dict):
        sent = sent.get("messages", [sent])
    for message in sent if isinstance(sent, list) else ():
        content = message.content if isinstance(message, Message) else _content(message)
        for part in content if isinstance(content, list) else (content,):
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str):
                yield text


def _content(message: Any) -> Any:
    return message.get("content") if isinstance(message, dict) else message


def _decoded(text: str) -> Any:
    """What a JSON list or object says; None for other texts."""
    if text[:1] not in ("[", "{"):
        return None
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None

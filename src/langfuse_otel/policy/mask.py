"""The user's own mask: a function that gets what an observation says and returns what Langfuse may see of it."""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec

from langfuse_otel import log
from langfuse_otel.clock import SYSTEM_CLOCK, Clock
from langfuse_otel.hook import Hook, HookPausedError
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import Observation

FULLY_MASKED = "<fully masked due to failed mask function>"
"""What stands for a value that the mask failed on; the text of Langfuse's SDK."""

# What links a span to an experiment; no content, and unusable if changed.
_LINKS = frozenset(
    f"langfuse.experiment.{name}"
    for name in ("id", "name", "dataset.id", "item.id", "item.version", "item.root_observation_id")
)


class Mask:
    """Applies a function to everything of an observation that may hold content.

    As in Langfuse's SDK, the function is called as ``mask(data=value)`` with a whole value: once for each of input,
    output, metadata, the trace's metadata, status message, and the ``langfuse.*`` attributes that are passed through.
    ``data`` is a private copy in JSON's types: a conversation is a list of dicts in the OpenAI chat format, with tool
    calls and their arguments (JSON text) in it, so a function that looks for texts has to look inside. What it returns
    may be anything that has a JSON form; None leaves the value out. Where metadata are wanted and no dict is returned,
    the result stands in place of each value.

    Names, ids, user, session, tags, model parameters and the resource are not given to it (`maskers` reaches those).

    If it raises, or returns something that has no JSON form, `FULLY_MASKED` stands for the value: an observation is
    never held back, and never goes unmasked. The same while it is not called, as it takes too long (``hook``).

    Args:
        function: Called on an exporter's thread, possibly twice for a span. A function without a parameter ``data`` is
            given the value by position.
        on_failed: Called for each observation on which the function failed.
        clock: Time, for how long it takes.

    Raises:
        ValueError: ``function`` cannot be called with one value, or is asynchronous.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        on_failed: Callable[[], None] = lambda: None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._call = Hook("mask", _by_one_value(function), of=function, clock=clock)
        self._on_failed = on_failed

    def __call__(self, observation: Observation) -> Observation:
        """The observation as it may be seen."""
        changed: dict[str, Any] = {}
        failed = False
        for field, masked in _FIELDS:
            value = getattr(observation, field)
            if value is None or value == {}:
                continue
            try:
                changed[field] = masked(self._call, value)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # not all libraries that find names raise Exceptions
                failed = True
                if not isinstance(error, HookPausedError):  # which was said
                    _report(error)
                changed[field] = _by_key(value) if field in _BY_KEY else FULLY_MASKED
        if failed:
            self._on_failed()
        return msgspec.structs.replace(observation, **changed) if changed else observation


class _UnusableError(TypeError):
    """The function returned what cannot be sent; says nothing of the content."""


_Call = Callable[[Any], Any]


def _by_one_value(function: Callable[..., Any]) -> _Call:
    if inspect.iscoroutinefunction(function):
        raise ValueError("is asynchronous; a mask runs on a thread of the exporter's, without an event loop")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some builtins have none
        return function
    try:
        signature.bind(data=None)
    except TypeError:
        try:
            signature.bind(None)
        except TypeError:
            raise ValueError("cannot be called as mask(data=value)") from None
        return function
    return lambda value: function(data=value)


def _value(call: _Call, value: Any) -> Any:
    copy = msgspec.to_builtins(value, str_keys=True)
    result = call(copy)
    if isinstance(result, (Awaitable, Iterator)):
        raise _UnusableError(f"it returned {type(result).__name__}, which has no JSON form")
    return json_safe(result)


def _text(call: _Call, value: Any) -> str | None:
    result = _value(call, value)
    if result is None or isinstance(result, str):
        return result
    raise _UnusableError(f"it made {type(result).__name__} of a text")


def _metadata(call: _Call, value: dict[str, Any]) -> dict[str, Any]:
    result = _value(call, value)
    if result is None or isinstance(result, dict):
        return result or {}
    return dict.fromkeys(value, result)


def _passthrough(call: _Call, value: dict[str, Any]) -> dict[str, Any]:
    links = {key: entry for key, entry in value.items() if key in _LINKS}
    content = {key: entry for key, entry in value.items() if key not in _LINKS}
    return {**links, **_metadata(call, content)} if content else value


_FIELDS: tuple[tuple[str, Callable[[_Call, Any], Any]], ...] = (
    ("input", _value),
    ("output", _value),
    ("metadata", _metadata),
    ("trace_metadata", _metadata),
    ("status_message", _text),
    ("passthrough", _passthrough),
)
_BY_KEY = frozenset(("metadata", "trace_metadata", "passthrough"))


def _by_key(value: dict[str, Any]) -> dict[str, Any]:
    return {key: entry if key in _LINKS else FULLY_MASKED for key, entry in value.items()}


def _report(error: BaseException) -> None:
    """Say where it failed, and not the error's message, which may quote the content."""
    if isinstance(error, _UnusableError):
        cause = str(error)
    else:
        *_, (frame, line) = traceback.walk_tb(error.__traceback__)
        cause = f"{type(error).__name__} at {frame.f_code.co_filename}:{line}"
    log.once(logging.ERROR, "policy.mask", "the mask function failed, its values are left out: %s", cause)

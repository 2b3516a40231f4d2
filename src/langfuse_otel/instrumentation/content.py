"""Which message content is recorded, and how: the capture policy, the mask and the encoding."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import msgspec

from langfuse_otel.instrumentation.declare import Attributes, Content
from langfuse_otel.instrumentation.guard import report
from langfuse_otel.json_encoding import text_encoder

Mask = Callable[[Any], Any]
"""Gets the content of one attribute (a private copy: a list of messages, parts or tools), returns what to record."""


@dataclass(frozen=True, slots=True)
class ContentPolicy:
    """What becomes of messages, instructions and tool definitions.

    Attributes:
        capture: Whether they are recorded on spans at all.
        mask: Changes them before; when it raises, a note is recorded in place of the content.
    """

    capture: bool = True
    mask: Mask | None = None

    @property
    def verbatim(self) -> bool:
        """Whether content is recorded as it is."""
        return self.capture and self.mask is None

    def encode(self, content: Content) -> Attributes:
        """Content → span attributes, each a JSON string. Empty content gives no attribute."""
        return {name: self._recorded(value) for name, value in content.items() if not _is_empty(value)}

    def _recorded(self, value: Any) -> str:
        step = "encoding content"
        try:
            encoded = _encode(value)
            if self.mask is not None:
                step = "the mask function"
                encoded = _encode(self.mask(json.loads(encoded)))
            return encoded
        except Exception as error:
            report(step, error)
            return _encode(f"<not recorded: {step} failed with {type(error).__name__}>")


def _is_empty(value: Any) -> bool:
    # Not by its truth: arrays and broken objects have none.
    return value is None or (isinstance(value, (str, list, tuple, dict)) and len(value) == 0)


def _encode(value: Any) -> str:
    try:
        return _to_text(value)
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError):
        # Lone surrogates, integers beyond 64 bit, unusual keys: slower, and takes them all.
        return json.dumps(value, default=_plain, skipkeys=True)


def _plain(value: Any) -> Any:
    """What an encoder does not know: model objects by their own dump, anything else by its type's name."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, (bytes, bytearray)):
        return b64encode(value).decode()
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json", exclude_none=True)
    return f"<{type(value).__name__}>"


_to_text = text_encoder(_plain)

"""Values of an application, as frameworks pass them around → plain structures that can be recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from langfuse_otel.instrumentation.fields import fields, known

_MAX_DEPTH = 6


def plain(value: Any, readers: Mapping[type, Callable[[Any], Any]], depth: int = _MAX_DEPTH) -> Any:
    """``value`` as lists and dicts; what lies deeper than ``depth`` stays as it is.

    Args:
        value: Anything: a state, a result, a list of messages.
        readers: Classes of the framework, and what makes of their instances what should be recorded.
        depth: Levels to go down.
    """
    if isinstance(value, str):
        return str.__str__(value)  # the text of a class of its own, as some frameworks have it
    for kind, read in readers.items():
        if isinstance(value, kind):
            value = read(value)
            break
    if depth > 0 and isinstance(value, (list, tuple, set)):
        return [plain(item, readers, depth - 1) for item in value]
    if depth > 0 and dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = known({each.name: getattr(value, each.name) for each in dataclasses.fields(value)})
    if depth > 0 and hasattr(value, "model_fields_set"):
        value = fields(value)
    if depth > 0 and isinstance(value, dict):
        return {str(key): plain(item, readers, depth - 1) for key, item in value.items()}
    return value

"""What is told of an answer by those that pass on all makers' answers, by the names that any of them has for it.

Each is looked for in several places: the first that tells it is right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.chat_completions import usage_attributes
from langfuse_otel.instrumentation.declare import Attributes
from langfuse_otel.instrumentation.fields import field, first_text, known, number, whole

_MODELS = ("model_name", "model", "model_id")
_FINISH_REASONS = ("finish_reason", "stop_reason", "stopReason", "done_reason")
_USAGES = ("token_usage", "usage")


def described(*places: Any, usage: Any = None, reasons: Iterable[str | None] = ()) -> Attributes:
    """Attributes of an answer.

    Args:
        places: Where its identity, its status and the maker's counts may be.
        usage: Counts in the form of the framework, which go before; perhaps with their cost in US dollars.
        reasons: Why it ended, for each choice.
    """
    counts = (field(place, name) for place in places for name in _USAGES)
    statuses = (whole(place, "status_code") for place in places)
    cost = number(usage, "total_cost")
    attributes = {
        names.RESPONSE_MODEL: first_text(_MODELS, *places),
        names.RESPONSE_ID: first_text(("id",), *places),
        names.RESPONSE_FINISH_REASONS: [reason for reason in reasons if reason] or None,
        names.COST_DETAILS: None if cost is None else json.dumps({"total": cost}),
        names.STATUS_CODE: next((status for status in statuses if status is not None), None),
    }
    counted = usage_attributes(next((count for count in counts if count), None))
    return {**counted, **usage_attributes(usage), **known(attributes)}


def finish_reason(*places: Any) -> str | None:
    """Why an answer ended."""
    return first_text(_FINISH_REASONS, *places)

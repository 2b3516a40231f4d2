"""A prompt, and how it was come by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from langfuse_otel.prompts.models import Prompt

Reason: TypeAlias = Literal["fresh", "stale", "read", "not_found", "unavailable", "wrong_type"]
"""Why this one is served:

- ``fresh``: it was in memory and within its time;
- ``stale``: it was in memory, past its time; it is being renewed, or could not be (then ``error_kind`` says why);
- ``read``: it was not in memory and was read for this call;
- ``not_found``: Langfuse has no such prompt;
- ``unavailable``: Langfuse could not be asked, and no tier had a copy;
- ``wrong_type``: it is a text and a chat was asked for, or the reverse.
"""


@dataclass(frozen=True, slots=True)
class PromptDetail:
    """What ``get`` returns, and why (modelled on LaunchDarkly's variation detail).

    Attributes:
        prompt: The prompt.
        source: The tier that it came from: ``memory``, ``disk``, ``redis``, ``network``, ``snapshot`` or ``fallback``.
        reason: Why this one.
        age_s: Seconds since Langfuse was asked for it; None for a snapshot and a fallback.
        error: What went wrong, if anything did.
    """

    prompt: Prompt
    source: str
    reason: Reason
    age_s: float | None = None
    error: Exception | None = None

    @property
    def error_kind(self) -> str | None:
        """The error's stable code, for example ``not_found``, ``timed_out`` or ``circuit_open``."""
        return None if self.error is None else getattr(self.error, "code", type(self.error).__name__)

"""How a job ended, for the script that started it, and what is said on the way, for people."""

from __future__ import annotations

import enum
import sys
from collections.abc import Iterable

from langfuse_otel.errors import NotFoundError, is_retryable


class Outcome(enum.IntEnum):
    """Exit status of ``langfuse-otel prompts``; 2 is argparse's."""

    DONE = 0, "done; of diff: they are the same"
    FAILED = 1, "it cannot be done so: refused, wrong settings, a file that cannot be used"
    WRONG_COMMAND_LINE = 2, "the command line is wrong"
    NOT_FOUND = 3, "there is no such prompt, version or label"
    DIFFERENT = 4, "diff: they differ"
    UNAVAILABLE = 5, "Langfuse was not reached, or is busy: try again later"

    def __new__(cls, value: int, meaning: str) -> Outcome:
        """A status that explains itself."""
        outcome = int.__new__(cls, value)
        outcome._value_ = value
        outcome.__doc__ = meaning
        return outcome


def outcome_of(error: Exception) -> Outcome:
    """What a script should be told about an error."""
    if isinstance(error, NotFoundError):
        return Outcome.NOT_FOUND
    return Outcome.UNAVAILABLE if is_retryable(error) else Outcome.FAILED


def worst_of(errors: Iterable[Exception]) -> Outcome:
    """What it should be told about several: first what no repetition mends."""
    found = {outcome_of(error) for error in errors}
    order = (Outcome.FAILED, Outcome.NOT_FOUND, Outcome.UNAVAILABLE)
    return next((outcome for outcome in order if outcome in found), Outcome.DONE)


def say(message: str) -> None:
    """Tell a person; standard output is for results."""
    print(f"langfuse-otel prompts: {message}", file=sys.stderr, flush=True)


def shown(name: str) -> str:
    """A prompt's name on one line, whatever is in it."""
    return name if name.isprintable() else repr(name)


class Progress:
    """How far a job with many prompts has come: a line that is written over on a terminal, else every tenth part."""

    def __init__(self, total: int, doing: str) -> None:
        self._total = total
        self._doing = doing
        self._done = 0
        self._on_terminal = sys.stderr.isatty()

    def step(self, name: str) -> None:
        """One more is done."""
        self._done += 1
        line = f"{self._doing} {self._done}/{self._total}"
        if self._on_terminal:
            end = "\n" if self._done == self._total else ""
            print(f"\r\x1b[K{line} {shown(name)[:60]}", end=end, file=sys.stderr, flush=True)
        elif self._done == self._total or self._done * 10 // self._total > (self._done - 1) * 10 // self._total:
            say(line)

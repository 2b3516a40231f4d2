"""Our own code must not be noticed by the application: a failure of it costs a log line, never a call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from langfuse_otel import log

T = TypeVar("T")
A = TypeVar("A")


def guarded(what: str, function: Callable[[A], T], argument: A) -> T | None:
    """``function(argument)``, or None when it raises; the failure is logged once a minute and ``what``.

    ``what`` names the step for the log. The message of the exception stays out of the log: it may hold content.
    """
    try:
        return function(argument)
    except Exception as error:
        report(what, error)
        return None


def report(what: str, error: BaseException) -> None:
    """Log a failure of ours: the kind of error and where it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "unknown place"
    log.limited(
        logging.WARNING,
        f"instrumentation {what}",
        "Instrumentation: %s failed (%s at %s). The application's call is not affected; its span lacks this part",
        what,
        type(error).__name__,
        where,
    )

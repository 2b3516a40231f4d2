"""Makes a run's span current for the code that runs inside it, which a callback cannot do.

Without these patches the tree of runs is the same; only spans of other instrumentations below them hang elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple

from opentelemetry.context import Context

from langfuse_otel.instrumentation.runs import Runs
from langfuse_otel.instrumentation.within import bracket, enter_after, run_all_within
from langfuse_otel.instrumentation.wrap import Replacement


class Places(NamedTuple):
    """Functions of a framework, as targets, and how to read their arguments. What is not installed is skipped.

    Attributes:
        run_ids: Arguments of a function that is called for runs → their ids. It runs in the span of the first.
        of_a_run: Called for runs that have begun, which a cancellation of the call ends.
        beginning: Begin a run themselves, and the callback enters its span.
        prepared_id: Arguments of a function that prepares → the run that it does it for.
        preparing: Prepare a copy of the context for what a run calls.
    """

    run_ids: Callable[[tuple[Any, ...], dict[str, Any]], list[Any]]
    of_a_run: Iterable[str]
    beginning: Iterable[str]
    prepared_id: Callable[..., Hashable | None]
    preparing: Iterable[str]


def run_in_their_spans(runs: Runs[Any], places: Places) -> tuple[Replacement, ...]:
    """Patch a framework, so that the code of each of these runs is in the run's span."""

    def of_the_run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Context:
        return runs.context_below(places.run_ids(args, kwargs)[0])

    def cancelled(args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException) -> None:
        for run_id in places.run_ids(args, kwargs):
            runs.end(run_id, error=error)

    def prepared(*args: Any, **kwargs: Any) -> Context | None:
        run = runs.get(places.prepared_id(*args, **kwargs))
        return None if run is None else run.context

    return (
        *run_all_within(places.of_a_run, of_the_run, cancelled),
        *run_all_within(places.beginning, lambda *_: bracket()),
        *enter_after(places.preparing, prepared),
    )

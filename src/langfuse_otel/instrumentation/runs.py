"""Open runs of a framework that calls back at their start and end, by the framework's own ids.

A run's parent is the one that the framework names, never the context that happens to be current: callbacks come from
other tasks and threads. Only a run without a known parent hangs below the current span.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from langfuse_otel import fork
from langfuse_otel.instrumentation.abandoned import abandoned_streams
from langfuse_otel.instrumentation.call import Current
from langfuse_otel.instrumentation.guard import guarded
from langfuse_otel.instrumentation.within import enter, without_bracket
from langfuse_otel.provenance import HasPromptIdentity, using

_MAX_OPEN = 10_000


class OpenRun(Protocol):
    """What the table keeps.

    Attributes:
        context: In which its children start.
    """

    context: Context

    def end(self, result: Any, error: BaseException | None) -> None:
        """Record the outcome. Never raises."""
        ...

    def end_abandoned(self) -> None:
        """End it, unless it has ended: its end will not be called back. Never raises."""
        ...


class Unseen:
    """A run without a span: its children hang below its parent."""

    def __init__(self, parent: Context) -> None:
        self.context = parent

    def end(self, result: Any, error: BaseException | None) -> None:
        """There is nothing to end."""

    def end_abandoned(self) -> None:
        """There is nothing to end."""


R = TypeVar("R", bound=OpenRun)


class Runs(Generic[R]):
    """The open runs. Each leaves with its end; over ``max_open`` the oldest are ended as abandoned."""

    def __init__(self, max_open: int = _MAX_OPEN) -> None:
        self._max_open = max_open
        self._open: OrderedDict[Hashable, R | Unseen] = OrderedDict()
        self._lock = threading.Lock()
        fork.register(self)

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def after_fork_child(self) -> None:
        """The parent process ends its runs itself; those of the child hang below them, as they began there."""
        self._lock = threading.Lock()

    def add(self, run_id: Hashable, run: R | Unseen) -> None:
        """A run has begun."""
        abandoned_streams.end_waiting()
        abandoned_streams.watch(run)
        with self._lock:
            self._open[run_id] = run
            oldest = self._open.popitem(last=False)[1] if len(self._open) > self._max_open else None
        if oldest is not None:
            oldest.end_abandoned()

    def begin(
        self,
        run_id: Hashable,
        parent_id: Hashable | None,
        make: Callable[[], R | None],
        prompt: HasPromptIdentity | None = None,
    ) -> None:
        """A run begins below its parent. Whatever happens, it is known to its children.

        Args:
            run_id: The run's id.
            parent_id: That of the run that it is part of; None for a root.
            make: Begins its span, below the current one. What it does not begin has no span of its own, and neither
                has anything where instrumentation is suppressed.
            prompt: Linked to the calls of this run and of its siblings after it: a template is a run beside the model
                that it is for.
        """
        parent, begun = self.context_below(parent_id), None
        if is_instrumentation_enabled():
            with Current(parent):
                begun = guarded("starting a run", lambda _: make(), run_id)
        self.add(run_id, begun or Unseen(parent))
        if prompt is not None:
            self.use_prompt(parent_id, prompt)
            self.use_prompt(run_id, prompt)
        enter(self.context_below(run_id))

    def get(self, run_id: Hashable | None) -> R | Unseen | None:
        """An open run."""
        return self._open.get(run_id)

    def end(self, run_id: Hashable, result: Any = None, error: BaseException | None = None) -> None:
        """A run has ended; one that is not known (any more) is none of ours."""
        with self._lock:
            run = self._open.pop(run_id, None)
        if run is not None:
            run.end(result, error)

    def context_below(self, parent_id: Hashable | None) -> Context:
        """The context that a child of this run starts in."""
        parent = self._open.get(parent_id)
        return parent.context if parent is not None else without_bracket(otel_context.get_current())

    def use_prompt(self, run_id: Hashable | None, prompt: HasPromptIdentity) -> None:
        """Have the calls of this run, and of those that begin below it from now on, linked to ``prompt``."""
        run = self._open.get(run_id)
        if run is not None:
            with Current(run.context), using(prompt):
                run.context = otel_context.get_current()

"""Runs of a framework that calls back, each with its span, and what the framework tells of a run when it begins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.call import Telemetry
from langfuse_otel.instrumentation.declare import Attributes, Endpoint
from langfuse_otel.instrumentation.fields import texts
from langfuse_otel.instrumentation.frameworks.called_back import CalledBack
from langfuse_otel.instrumentation.frameworks.steps import Kind, Step
from langfuse_otel.instrumentation.runs import Runs
from langfuse_otel.provenance import HasPromptIdentity

Told: TypeAlias = dict[str, Any]
"""The keyword arguments of a callback."""

NOT_YET = object()
"""In place of an input that comes later, with ``TracedRuns.given``."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a framework tells of a run when it begins.

    Attributes:
        id: The framework's own.
        parent_id: That of the run that it is part of; None for a root.
        metadata: The user's, without what the framework adds for itself. Two entries have a meaning, as with Langfuse's
            own handlers: ``langfuse_prompt`` is the prompt that is used, ``langfuse_tags`` are further tags.
        tags: The user's: those of a root are the trace's.
        conversation: Its id, if the framework knows conversations.
        is_hidden: Whether the framework wants the run left out.
    """

    id: Hashable
    parent_id: Hashable | None = None
    metadata: Mapping[Any, Any] = field(default_factory=dict)
    tags: Iterable[str] = ()
    conversation: Any = None
    is_hidden: bool = False

    @property
    def attributes(self) -> Attributes:
        """Metadata, tags and conversation as attributes of the span."""
        attributes: Attributes = {
            f"{names.STEP_METADATA}{name}": value
            for name, value in self.metadata.items()
            if isinstance(value, (str, bool, int, float))
        }
        if tags := [*self.tags, *(texts(self.metadata, "langfuse_tags") or ())]:
            attributes[names.TRACE_TAGS if self.parent_id is None else names.STEP_METADATA + "tags"] = tags
        if self.conversation:
            attributes[names.CONVERSATION_ID] = str(self.conversation)
        return attributes

    @property
    def prompt(self) -> HasPromptIdentity | None:
        """The Langfuse prompt that the metadata names."""
        prompt = self.metadata.get("langfuse_prompt")
        return prompt if hasattr(prompt, "name") and hasattr(prompt, "version") else None


class TracedRuns(Runs[CalledBack | Step]):
    """The open runs, each with its span: calls of models, and steps around them.

    Args:
        telemetry: The instrumentation's.
        run_of: What a callback is told at the start → the run.
        redirects: Names of the exceptions with which the framework stops or redirects runs: these are no errors. By
            name, as the framework's part that has them may not be installed.
    """

    def __init__(self, telemetry: Telemetry, run_of: Callable[[Told], Run], redirects: Collection[str] = ()) -> None:
        super().__init__()
        self._telemetry = telemetry
        self._run_of = run_of
        self._redirects = frozenset(redirects)

    def begin_call(self, told: Told, endpoint: Endpoint, arguments: Callable[[], dict[str, Any]]) -> None:
        """A model is called; ``arguments`` gives those of ``called_models.asked``."""

        def make(run: Run) -> CalledBack | None:
            return CalledBack.begin(endpoint, self._telemetry, {**arguments(), "told": run.attributes})

        self._begin(told, make)

    def begin_step(self, told: Told, kind: Callable[[], Kind], given: Any) -> None:
        """Anything else begins; ``given`` may be ``NOT_YET``."""

        def make(run: Run) -> Step:
            step = Step(self._telemetry, kind(), run.attributes)
            if given is not NOT_YET:
                step.begin(given)
            return step

        self._begin(told, make)

    def given(self, run_id: Hashable, given: Any) -> None:
        """What a step was given, if that is known only now."""
        step = self.get(run_id)
        if given is not None and isinstance(step, Step):
            step.begin(given)

    def chunk(self, run_id: Hashable, *, has_content: bool) -> None:
        """A chunk of a model's answer has come."""
        called = self.get(run_id)
        if isinstance(called, CalledBack):
            called.chunk(has_content=has_content)

    def fail(self, run_id: Hashable, error: BaseException, result: Any = None) -> None:
        """A run has ended with an error, perhaps with a part of its result; or it was redirected, and says by what."""
        if self._redirects.isdisjoint(kind.__name__ for kind in type(error).__mro__):
            self.end(run_id, result, error)
        else:
            carried = (each for said in error.args if isinstance(said, tuple) for each in said)
            self.end(run_id, [getattr(each, "value", each) for each in carried] or None)

    def _begin(self, told: Told, make: Callable[[Run], CalledBack | Step | None]) -> None:
        run = self._run_of(told)
        self.begin(run.id, run.parent_id, lambda: None if run.is_hidden else make(run), run.prompt)

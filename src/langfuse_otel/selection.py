"""Which spans are Langfuse's business, decided without leaving orphans.

A span that is left out hands its children up to its nearest ancestor that is kept. For that a span's parent has to be
known from its start, so the processor tells a selection of every start, and the exporter asks it at every end. Spans
whose start it has not seen are judged by themselves and keep their parent.
"""

from __future__ import annotations

import fnmatch
import logging
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.util.types import AttributeValue

from langfuse_otel import fork, log
from langfuse_otel.hook import Hook

Select = Callable[[ReadableSpan], bool]
"""Asked once a span, when it starts: scope, name, kind, parent and the attributes given then are known."""

_LLM_KEYS = (
    "gen_ai.",
    "langfuse.observation.",
    "llm.",
    "openinference.",
    "traceloop.",
    "ai.operationId",
    "pydantic_ai.",
    "mlflow.span",
    "gcp.vertex.agent.",
    "lk.",
    "genkit:",
)
_MAX_SPANS = 20_000  # whose start is remembered; the oldest is forgotten first


class _Known:
    """A span that has started. ``kept`` is None until that is decided."""

    __slots__ = ("has_llm", "is_llm", "kept", "parent", "span_id")

    def __init__(self, span_id: int, parent: _Known | None) -> None:
        self.span_id = span_id
        self.parent = parent
        self.kept: bool | None = None
        self.is_llm: bool = parent is not None and parent.is_llm  # what an LLM's span contains belongs to it
        self.has_llm = False


class Selection:
    """Keeps what is chosen, and says under which parent.

    Args:
        only_llm: Keep spans of LLM calls, what they contain and what contains them.
        left_out_scopes: Instrumentation scopes to leave out, with ``*`` as wildcard.
        select: The user's own choice, besides; one that raises, or takes too long (``hook``), keeps the span.
    """

    def __init__(
        self, *, only_llm: bool = False, left_out_scopes: Iterable[str] = (), select: Select | None = None
    ) -> None:
        self._only_llm = only_llm
        self._left_out = tuple(left_out_scopes)
        self._select = None if select is None else Hook("select", select)
        self._moved: dict[tuple[int, int], int | None] = {}
        self.after_fork_child()
        self.is_active = only_llm or bool(self._left_out) or select is not None
        if self.is_active:
            _ACTIVE.add(self)
            fork.register(self)

    def after_fork_child(self) -> None:
        """Forget what started in the parent's other threads; the lock may be held by one of them."""
        self._lock = threading.RLock()  # re-entrant: a span may start or end in a ``__del__``
        self._known: OrderedDict[tuple[int, int], _Known] = OrderedDict()

    def started(self, span: ReadableSpan) -> None:
        """Remember a span that starts, and decide about it as far as that can be done now."""
        context = span.context
        if context is None:
            return
        with self._lock:
            parent = None if span.parent is None else self._known.get((context.trace_id, span.parent.span_id))
            known = _Known(context.span_id, parent)
            self._known[context.trace_id, context.span_id] = known
            if len(self._known) > _MAX_SPANS:
                self._known.popitem(last=False)
        if not self._is_chosen(span):
            known.kept = False
        elif self._only_llm and _is_llm(span.attributes):
            _mark(known)

    def keeps(self, span: ReadableSpan) -> bool:
        """Whether a span that has ended is to be sent; if so, `parent_of` knows its parent."""
        context = span.context
        if context is None:
            return True
        with self._lock:
            known = self._known.get((context.trace_id, context.span_id))
        if known is None:
            return self._is_chosen(span) and (not self._only_llm or _is_llm(span.attributes))
        if known.kept is None:
            if self._only_llm and _is_llm(span.attributes):
                _mark(known)
            known.kept = not self._only_llm or known.is_llm or known.has_llm
        if known.kept and known.parent is not None and known.parent.kept is False:
            ancestor: _Known | None = known.parent
            while ancestor is not None and ancestor.kept is False:
                ancestor = ancestor.parent
            with self._lock:
                self._moved[context.trace_id, context.span_id] = None if ancestor is None else ancestor.span_id
        return known.kept

    def moved(self, span: ReadableSpan) -> tuple[bool, int | None]:
        """Whether a kept span hangs from another parent than its own, and from which; None makes it a root.

        Asked once a span, by whoever sends it.
        """
        context = span.context
        if not self._moved or context is None:
            return False, None
        key = (context.trace_id, context.span_id)
        with self._lock:
            if key not in self._moved:
                return False, None
            return True, self._moved.pop(key)

    def _is_chosen(self, span: ReadableSpan) -> bool:
        scope = span.instrumentation_scope
        if scope is not None and any(fnmatch.fnmatchcase(scope.name, pattern) for pattern in self._left_out):
            return False
        if self._select is None:
            return True
        try:
            return bool(self._select(span))
        except Exception as error:
            message = "the function that selects spans failed, so the span is kept: %s: %s"
            log.limited(logging.WARNING, "selection", message, type(error).__name__, error)
            return True


_ACTIVE: weakref.WeakSet[Selection] = weakref.WeakSet()


def span_started(span: ReadableSpan) -> None:
    """Tell every selection in use of a span that starts."""
    if _ACTIVE:
        for selection in tuple(_ACTIVE):
            selection.started(span)


def _is_llm(attributes: Mapping[str, AttributeValue] | None) -> bool:
    return attributes is not None and any(key.startswith(_LLM_KEYS) for key in attributes)


def _mark(known: _Known) -> None:
    """A span of an LLM: it and all that contains it are kept, unless that is left out by name."""
    known.is_llm = True
    ancestor = known.parent
    while ancestor is not None and not ancestor.has_llm:
        ancestor.has_llm = True
        ancestor = ancestor.parent

"""The instrumentor that OpenTelemetry loads."""

from __future__ import annotations

from typing import Any, cast

from langfuse_otel.instrumentation import Instrumentor
from langfuse_otel.instrumentation.call import Telemetry
from langfuse_otel.instrumentation.wrap import Replacement, beside
from langfuse_otel_langchain.package import SUPPORTED


class LangChainInstrumentor(Instrumentor):
    """Traces LangChain and LangGraph. See ``Instrumentor`` for the options of ``instrument()``."""

    scope = "langfuse_otel_langchain"
    supported = SUPPORTED
    client = "langchain_core.runnables.base"  # whatever runs is one
    hooks = ()

    _replacements: tuple[Replacement, ...] = ()
    _source: Any = None

    def _start(self, telemetry: Telemetry, *, over_foreign: bool) -> None:
        """Register a callback handler with langchain-core, which adds it to every run."""
        # Imported here: nothing of the client is imported before ``instrument()``.
        from langchain_core.tracers.context import register_configure_hook

        from langfuse_otel_langchain.contexts import run_in_their_spans
        from langfuse_otel_langchain.handler import LangChainHandler

        handler = LangChainHandler(telemetry)
        self._source = _Source(handler)
        kind = LangChainHandler if over_foreign else beside(LangChainHandler, "langchain_core")
        register_configure_hook(cast(Any, self._source), inheritable=True, handle_class=cast(Any, kind))
        self._replacements = run_in_their_spans(handler.runs)

    def _stop(self) -> None:
        """Take handler and patches back; runs that are under way still end their spans."""
        from langchain_core.tracers import context

        context._configure_hooks[:] = [hook for hook in context._configure_hooks if hook[0] is not self._source]
        self._source = None
        for replacement in reversed(self._replacements):
            replacement.remove()
        self._replacements = ()


class _Source:
    """Has langchain-core find the handler, where it expects a ``ContextVar``: in every context, and in new threads."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def get(self) -> Any:
        """The handler to add to a run."""
        return self._handler

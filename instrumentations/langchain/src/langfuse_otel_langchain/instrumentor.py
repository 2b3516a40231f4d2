"""The instrumentor that OpenTelemetry loads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from langfuse_otel.instrumentation import Instrumentor
from langfuse_otel.instrumentation.frameworks import Listed, Telemetry, beside, run_in_their_spans
from langfuse_otel_langchain.contexts import PLACES
from langfuse_otel_langchain.package import SUPPORTED


class LangChainInstrumentor(Instrumentor):
    """Traces LangChain and LangGraph. See ``Instrumentor`` for the options of ``instrument()``."""

    scope = "langfuse_otel_langchain"
    supported = SUPPORTED
    client = "langchain_core.runnables.base"  # whatever runs is one
    hooks = ()

    def _start(self, telemetry: Telemetry, *, over_foreign: bool) -> None:
        """Register a callback handler with langchain-core, which adds it to every run."""
        # Imported here: nothing of the client is imported before ``instrument()``.
        from langchain_core.tracers import context

        from langfuse_otel_langchain.handler import LangChainHandler

        handler = LangChainHandler(telemetry)
        # langchain-core expects a ``ContextVar``. This has the handler in every context, those of new threads included.
        source = cast(Any, SimpleNamespace(get=lambda: handler))
        kind = LangChainHandler if over_foreign else beside(LangChainHandler, "langchain_core")
        context.register_configure_hook(source, inheritable=True, handle_class=cast(Any, kind))
        registered = next(hook for hook in context._configure_hooks if hook[0] is source)
        self._patches = (*run_in_their_spans(handler.runs, PLACES), Listed(context._configure_hooks, registered))

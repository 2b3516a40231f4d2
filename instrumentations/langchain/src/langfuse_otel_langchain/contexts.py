"""Makes a run's span current for the code that runs inside it, which a callback cannot do."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context

from langfuse_otel.instrumentation.runs import Runs
from langfuse_otel.instrumentation.within import bracket, enter_after, run_all_within
from langfuse_otel.instrumentation.wrap import Replacement

_MODEL = "langchain_core.language_models.chat_models:BaseChatModel."
_LLM = "langchain_core.language_models.llms:BaseLLM."
_RETRIEVER = "langchain_core.retrievers:BaseRetriever."

# Called with the run's manager, around what a model does for one run.
_OF_A_RUN = (
    *(_MODEL + name for name in ("_generate_with_cache", "_agenerate_with_cache", "_iter_v2_events")),
    *(_MODEL + "_aiter_v2_events", _LLM + "_generate_helper", _LLM + "_agenerate_helper"),
)
# Begin a run themselves, and the callback enters its span.
_BEGINNING_A_RUN = (
    *(owner + name for owner in (_MODEL, _LLM) for name in ("stream", "astream")),
    *(_RETRIEVER + name for name in ("invoke", "ainvoke")),
)
# Prepare a copy of the context for the function of a chain, a tool or a graph's node.
_PREPARING = (
    "langchain_core.runnables.config:_set_config_context",
    "langgraph._internal._runnable:_set_config_context",
)


def run_in_their_spans(runs: Runs[Any]) -> tuple[Replacement, ...]:
    """Patch langchain-core, and LangGraph if it is installed; a target that is not there is skipped.

    Without these patches the tree of runs is the same; only spans of other instrumentations below them hang elsewhere.
    """

    def of_the_run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Context:
        return runs.context_below(_run_ids(args, kwargs)[0])

    def cancelled(args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException) -> None:
        for run_id in _run_ids(args, kwargs):
            runs.end(run_id, error=error)

    def prepared(config: Any, *_: Any, **__: Any) -> Context | None:
        run = runs.get(getattr(config.get("callbacks"), "parent_run_id", None))
        return None if run is None else run.context

    return (
        *run_all_within(_OF_A_RUN, of_the_run, cancelled),
        *run_all_within(_BEGINNING_A_RUN, lambda *_: bracket()),
        *enter_after(_PREPARING, prepared),
    )


def _run_ids(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    managers = kwargs.get("run_manager") or kwargs.get("run_managers") or args[2]
    return [manager.run_id for manager in (managers if isinstance(managers, list) else [managers])]

"""Where langchain-core and LangGraph run the code of a run."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation.frameworks import Places

_MODEL = "langchain_core.language_models.chat_models:BaseChatModel."
_LLM = "langchain_core.language_models.llms:BaseLLM."
_RETRIEVER = "langchain_core.retrievers:BaseRetriever."


def _of_managers(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    managers = kwargs.get("run_manager") or kwargs.get("run_managers") or args[2]
    return [manager.run_id for manager in (managers if isinstance(managers, list) else [managers])]


PLACES = Places(
    run_ids=_of_managers,
    of_a_run=(
        *(_MODEL + name for name in ("_generate_with_cache", "_agenerate_with_cache")),
        *(_MODEL + name for name in ("_iter_v2_events", "_aiter_v2_events")),
        *(_LLM + name for name in ("_generate_helper", "_agenerate_helper")),
    ),
    beginning=(
        *(owner + name for owner in (_MODEL, _LLM) for name in ("stream", "astream")),
        *(_RETRIEVER + name for name in ("invoke", "ainvoke")),
    ),
    prepared_id=lambda config, *_, **__: getattr(config.get("callbacks"), "parent_run_id", None),
    preparing=(
        "langchain_core.runnables.config:_set_config_context",
        "langgraph._internal._runnable:_set_config_context",
    ),
)

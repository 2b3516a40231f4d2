"""The type of an observation: the first rule that yields one (langfuse-api.md, section 3.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langfuse_otel.server.otlp_spans import Attributes

_LANGFUSE = frozenset(
    [
        "span",
        "generation",
        "event",
        "embedding",
        "agent",
        "tool",
        "chain",
        "retriever",
        "guardrail",
        "evaluator",
    ]
)
_OPENINFERENCE = {
    **{name: name for name in ("CHAIN", "RETRIEVER", "EMBEDDING", "AGENT", "TOOL", "GUARDRAIL", "EVALUATOR")},
    "LLM": "GENERATION",
}
_GEN_AI = {
    **dict.fromkeys(("chat", "completion", "text_completion", "generate_content", "generate"), "GENERATION"),
    "embeddings": "EMBEDDING",
    "invoke_agent": "AGENT",
    "create_agent": "AGENT",
    "execute_tool": "TOOL",
}
_MODEL = (
    "langfuse.observation.model.name",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "llm.model_name",
    "model",
)


def _langfuse(attributes: Attributes) -> str | None:
    named = attributes.get("langfuse.observation.type")
    return named.upper() if isinstance(named, str) and named in _LANGFUSE else None


def _openinference(attributes: Attributes) -> str | None:
    return _known(_OPENINFERENCE, attributes.get("openinference.span.kind"))


def _gen_ai(attributes: Attributes) -> str | None:
    return _known(_GEN_AI, attributes.get("gen_ai.operation.name"))


def _tool(attributes: Attributes) -> str | None:
    return "TOOL" if attributes.get("gen_ai.tool.name") or attributes.get("gen_ai.tool.call.id") else None


def _model(attributes: Attributes) -> str | None:
    return "GENERATION" if any(attributes.get(name) for name in _MODEL) else None


def _known(types: dict[str, str], named: Any) -> str | None:
    return types.get(named) if isinstance(named, str) else None


_RULES: tuple[Callable[[Attributes], str | None], ...] = (_langfuse, _openinference, _gen_ai, _tool, _model)


def observation_type(attributes: Attributes) -> str:
    """Upper case; ``SPAN`` when no rule yields anything."""
    return next(filter(None, (rule(attributes) for rule in _RULES)), "SPAN")

"""MLflow (``mlflow.*``), which writes each attribute as JSON, texts with their quotes.

``mlflow.linkedPrompts`` names prompts of MLflow's own registry and is no link to one of Langfuse.
"""

from __future__ import annotations

from typing import Any

from langfuse_otel.conventions import usage, values
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.observation import ObservationType

_TYPES: dict[str, ObservationType] = {
    **dict.fromkeys(("LLM", "CHAT_MODEL"), "generation"),
    **dict.fromkeys(("RETRIEVER", "RERANKER"), "retriever"),
    **dict.fromkeys(("CHAIN", "WORKFLOW"), "chain"),
    **dict.fromkeys(("PARSER", "TASK", "MEMORY"), "span"),
    "AGENT": "agent",
    "TOOL": "tool",
    "EMBEDDING": "embedding",
    "EVALUATOR": "evaluator",
    "GUARDRAIL": "guardrail",
}
_PROVIDER, _USAGE, _COST = "mlflow.llm.provider", "mlflow.chat.tokenUsage", "mlflow.llm.cost"
_COST_NAMES = {"input_cost": "input", "output_cost": "output", "total_cost": "total"}


def _text(value: object) -> str | None:
    return values.text(values.unquoted(value))


def _content(value: object) -> Any:
    return values.content(values.unquoted(value))


def _type(value: object) -> ObservationType | None:
    return _TYPES.get((_text(value) or "").upper())


def _compose(reader: Reader) -> None:
    provider = _text(reader.mine.get(_PROVIDER))
    if provider and reader.metadata.setdefault("provider", provider) == provider:
        del reader.mine[_PROVIDER]
    counts = values.json_object(reader.mine.get(_USAGE))
    if counts is not None and reader.wants("usage"):
        counted, unused = usage.from_gen_ai(counts)
        reader.offer("usage", counted or None)
        if not unused:
            del reader.mine[_USAGE]
    amounts = values.json_object(reader.mine.get(_COST))
    if amounts is not None and reader.wants("cost"):
        cost, complete = usage.cost_details({_COST_NAMES.get(name, name): amount for name, amount in amounts.items()})
        reader.offer("cost", cost or None)
        if complete:
            del reader.mine[_COST]


CONVENTION = Convention(
    name="mlflow",
    fields={
        "mlflow.spanType": Field("type", _type, kept=True),
        "mlflow.llm.model": Field("model", _text),
        "mlflow.spanInputs": Field("input", _content),
        "mlflow.spanOutputs": Field("output", _content),
    },
    parts=frozenset((_PROVIDER, _USAGE, _COST)),
    compose=_compose,
    composes={"usage": (_USAGE,), "cost": (_COST,), "metadata": (f"{_PROVIDER} (as provider)",)},
)

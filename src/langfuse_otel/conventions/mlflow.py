"""MLflow (``mlflow.*``), which writes each attribute as JSON, texts with their quotes.

Inputs and outputs of a model call are the client's request and response. ``mlflow.linkedPrompts`` names prompts of
MLflow's own registry and is no link to one of Langfuse.
"""

from __future__ import annotations

from langfuse_otel.conventions import bodies, usage, values
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
_INPUTS, _OUTPUTS = "mlflow.spanInputs", "mlflow.spanOutputs"
_FIRST_CHUNK = "mlflow.chunk.item.0"  # an event
_PROVIDER, _USAGE, _COST = "mlflow.llm.provider", "mlflow.chat.tokenUsage", "mlflow.llm.cost"
_MODEL_CALLS = ("generation", "embedding")
_COST_NAMES = {"input_cost": "input", "output_cost": "output", "total_cost": "total"}


def _text(value: object) -> str | None:
    return values.text(values.unquoted(value))


def _type(value: object) -> ObservationType | None:
    return _TYPES.get((_text(value) or "").upper())


def _compose(reader: Reader) -> None:
    provider = _text(reader.mine.get(_PROVIDER))
    if provider and reader.metadata.setdefault("provider", provider) == provider:
        del reader.mine[_PROVIDER]
    _inputs(reader)
    _outputs(reader)
    _first_chunk(reader)
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


def _inputs(reader: Reader) -> None:
    request = values.json_object(reader.mine.get(_INPUTS)) if reader.fields.get("type") in _MODEL_CALLS else None
    if request is None or not bodies.take_request(reader, _INPUTS, request):
        _content(reader, _INPUTS, "input")


def _outputs(reader: Reader) -> None:
    response = values.json_object(reader.mine.get(_OUTPUTS)) if reader.fields.get("type") in _MODEL_CALLS else None
    if response is None or not bodies.take_response(reader, _OUTPUTS, response):
        _content(reader, _OUTPUTS, "output")


def _content(reader: Reader, key: str, field: str) -> None:
    content = values.content(values.unquoted(reader.mine.get(key)))
    if content is not None and reader.wants(field):
        del reader.mine[key]
        reader.offer(field, content)


def _first_chunk(reader: Reader) -> None:
    first_ns = next((event.timestamp for event in reader.events if event.name == _FIRST_CHUNK), None)
    if first_ns is not None and reader.start_ns <= first_ns <= reader.end_ns:
        reader.offer("completion_start_ns", first_ns)


CONVENTION = Convention(
    name="mlflow",
    fields={
        "mlflow.spanType": Field("type", _type, kept=True),
        "mlflow.llm.model": Field("model", _text),
    },
    parts=frozenset((_INPUTS, _OUTPUTS, _PROVIDER, _USAGE, _COST)),
    compose=_compose,
    composes={
        "input": (f"{_INPUTS} (of model calls: messages and tools)",),
        "output": (f"{_OUTPUTS} (of model calls: messages)",),
        "model": (f"{_INPUTS} (model, if nothing else says it)",),
        "model_parameters": (f"{_INPUTS} (the rest, of model calls)",),
        "usage": (f"{_OUTPUTS} (usage, of model calls)", _USAGE),
        "cost": (_COST,),
        "completion_start_ns": (f"event {_FIRST_CHUNK}",),
        "metadata": (
            f"{_PROVIDER} (as provider)",
            f"{_INPUTS} (the rest, of model calls)",
            f"{_OUTPUTS} (the rest, of model calls)",
        ),
    },
)

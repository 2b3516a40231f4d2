"""OpenInference, the conventions of Arize Phoenix (genai-semconv.md, section 10): flat, indexed attributes.

Beside the messages, spans carry the request and the answer whole, in ``input.value`` and ``output.value``. What was
read from the indexed attributes is the input and output; the raw value is, where there is nothing else, and is metadata
where it says more. Annotations, graph nodes, tool descriptions and prompt templates stay metadata by their own keys.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from langfuse_otel.conventions import openinference_messages as messages
from langfuse_otel.conventions import prompt, usage, values
from langfuse_otel.conventions.convention import Convention, Field
from langfuse_otel.conventions.indexed import unflatten
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import json_safe
from langfuse_otel.observation import Cost, Message, ObservationType

_TYPES: dict[str, ObservationType] = {
    **dict.fromkeys(("LLM", "DECISION"), "generation"),  # a decision model answers typed questions, for tokens
    "EMBEDDING": "embedding",
    **dict.fromkeys(("CHAIN", "PROMPT"), "chain"),
    "AGENT": "agent",
    "TOOL": "tool",
    **dict.fromkeys(("RETRIEVER", "RERANKER"), "retriever"),
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
}
_KIND = "openinference.span.kind"
_OUTER_KINDS = frozenset(("AGENT", "CHAIN"))
_BILLS_ON_AGENTS = "openinference.instrumentation.claude_agent_sdk"
_PROVIDERS = ("llm.provider", "llm.system", "decision.provider", "decision.system")
_PARAMETERS = ("llm.invocation_parameters", "embedding.invocation_parameters")
_PARAMETER = "llm.invocation_parameters."
_REQUEST_MODEL = "llm.request.model_name"
_MODELS = (
    *("llm.response.model_name", "llm.model_name", _REQUEST_MODEL, "embedding.model_name", "reranker.model_name"),
    *("decision.response.model_name", "decision.model_name", "decision.request.model_name"),
)
_PROMPT = ("prompt.vendor", "prompt.id", "llm.prompt_template.version")
_RAW = {"input": "input.value", "output": "output.value"}
_INPUT_MESSAGES, _OUTPUT_MESSAGES, _TOOLS = "llm.input_messages.", "llm.output_messages.", "llm.tools."
_CHAT = (_INPUT_MESSAGES, _OUTPUT_MESSAGES, _TOOLS)
_PROMPTS, _CHOICES = "llm.prompts", "llm.choices"
_EMBEDDINGS, _RETRIEVED = "embedding.embeddings.", "retrieval.documents."
_QUERY, _TOP_K = "reranker.query", "reranker.top_k"
_RANKED, _RERANKED = "reranker.input_documents.", "reranker.output_documents."
_LISTS = (_EMBEDDINGS, _RETRIEVED, _RANKED, _RERANKED)
_NO_MESSAGES = frozenset((_PROMPTS + ".", _CHOICES + ".", *_LISTS))
"""Families of inputs and outputs of calls that are no conversation."""
_FIRST_CHUNK = "First Token Stream Event"
_COST = "llm.cost."
_TOKENS = {
    "llm.token_count.": {
        "prompt": "input_tokens",
        "completion": "output_tokens",
        "total": "total_tokens",
        "prompt_details.cache_read": "cache_read.input_tokens",
        "prompt_details.cache_input": "input_cached_tokens",
        "prompt_details.cache_write": "cache_write.input_tokens",
        "prompt_details.audio": "audio.input_tokens",
        "completion_details.reasoning": "reasoning.output_tokens",
        "completion_details.audio": "audio.output_tokens",
    },
    "decision.token_count.": {"input": "input_tokens", "output": "output_tokens"},
}
"""By prefix: what follows it → the same in `usage.GEN_AI_SPELLINGS`. Other details are part of their total."""
_COSTS = {
    "prompt_details.input": "input",
    "prompt_details.cache_read": "input_cached_tokens",
    "prompt_details.cache_input": "input_cached_tokens",
    "prompt_details.cache_write": "input_cache_creation",
    "prompt_details.audio": "input_audio_tokens",
    "completion_details.output": "output",
    "completion_details.reasoning": "output_reasoning_tokens",
    "completion_details.audio": "output_audio_tokens",
    "total": "total",
}
_COST_WHOLES = {"prompt": "input", "completion": "output"}
_COST_DECIMALS = 12  # as many as Langfuse keeps

_Found: TypeAlias = tuple[Any, list[str]]
"""What may be the value of a field, empty if there is nothing, and the attribute keys that it was made of."""
_NOTHING: _Found = (None, [])


def _compose(reader: Reader) -> None:
    kind = reader.mine.get(_KIND)
    kind = kind.upper() if isinstance(kind, str) else ""
    reader.offer("type", _TYPES.get(kind))
    _spread_metadata(reader)
    _provider(reader)
    asked = _parameters(reader)
    _settle(reader, "input", _inputs(reader))
    _settle(reader, "output", _outputs(reader))
    for field, key in _RAW.items():
        _raw(reader, field, key, asked)
    # An outer span repeats what the calls below it used, but for one library that makes no spans of those.
    scope = reader.span.instrumentation_scope
    if kind not in _OUTER_KINDS or (scope is not None and scope.name == _BILLS_ON_AGENTS):
        _usage(reader)
        _cost(reader)
    _first_chunk(reader)
    vendor, name, version = _PROMPT
    if reader.mine.get(vendor) == "langfuse":
        prompt.offer(reader, name, version)


def _settle(reader: Reader, field: str, candidates: Iterable[_Found]) -> None:
    """Offer the first candidate that there is; of the others, those that say something else become metadata."""
    for value, keys in candidates:
        if value and reader.wants(field):
            reader.offer(field, value)
        elif not value or reader.fields[field] != value:
            reader.put_back(keys)


def _spread_metadata(reader: Reader) -> None:
    """The entries of ``metadata``, a JSON object; it stays whole if another convention gave one of its keys."""
    found = values.json_object(reader.mine.get("metadata"))
    if found is not None and all(reader.metadata.get(key, value) == value for key, value in found.items()):
        del reader.mine["metadata"]
        reader.metadata.update(found)


def _provider(reader: Reader) -> None:
    for key in _PROVIDERS:
        provider = values.text(reader.mine[key]) if key in reader.mine else None
        if provider and reader.metadata.setdefault("provider", provider) == provider:
            del reader.mine[key]


def _parameters(reader: Reader) -> dict[str, Any]:
    """Offer what was asked of the model, and return it with the model's name, as raw values repeat it.

    A parameter that is null was not given. The model that was asked for is the model, if nothing else says it.
    """
    given = {key: values.json_object(reader.mine[key]) for key in _PARAMETERS if key in reader.mine}
    if _PARAMETER in reader.parts:
        given.update((_PARAMETER + name, {name: json_safe(value)}) for name, value in reader.family(_PARAMETER).items())
    if (top_k := values.count(reader.mine.get(_TOP_K))) is not None:
        given[_TOP_K] = {"top_k": top_k}
    asked: dict[str, Any] = {}
    taken: list[str] = []
    for key, found in given.items():
        if found is not None and all(asked.get(name, value) == value for name, value in found.items()):
            asked.update(found)
            taken.append(key)
            reader.mine.pop(key, None)
        elif found is not None and key not in reader.mine:
            reader.put_back((key,))
    parameters = {name: value for name, value in asked.items() if value is not None}
    model = values.text(parameters.get("model"))
    if model is not None:
        del parameters["model"]
        if "model" not in reader.fields:
            reader.offer("model", model)
        elif model not in (reader.fields["model"], reader.attributes.get(_REQUEST_MODEL)):
            reader.metadata[_REQUEST_MODEL] = model
    if parameters:
        _settle(reader, "model_parameters", [(parameters, taken)])
    return {"model": reader.fields.get("model"), **asked}


def _inputs(reader: Reader) -> Iterator[_Found]:
    listed, keys = _listed(reader, _INPUT_MESSAGES)
    conversation = messages.conversation(listed, "user")
    definitions, tool_keys = _listed(reader, _TOOLS) if conversation else (None, [])
    if tools := messages.tool_definitions(definitions):
        yield {"messages": conversation, "tools": tools}, keys + tool_keys
    else:
        reader.put_back(tool_keys)
        yield conversation, keys
    if _PROMPTS in reader.mine or not _NO_MESSAGES.isdisjoint(reader.parts):
        for texts, keys in (_texts(reader, _PROMPTS, "prompt"), _embeddings(reader, "text")):
            yield [Message("user", "\n".join(texts))] if texts and messages.are_texts(texts) else None, keys
    if _QUERY in reader.mine or _RANKED in reader.parts:
        yield _reranking(reader)


def _outputs(reader: Reader) -> Iterator[_Found]:
    listed, keys = _listed(reader, _OUTPUT_MESSAGES)
    yield _one_or_all(messages.conversation(listed, "assistant")), keys
    if _CHOICES not in reader.mine and _NO_MESSAGES.isdisjoint(reader.parts):
        return
    texts, keys = _texts(reader, _CHOICES, "completion")
    yield _one_or_all([Message("assistant", text) for text in texts] if messages.are_texts(texts) else None), keys
    for prefix in (_RETRIEVED, _RERANKED):
        listed, keys = _listed(reader, prefix)
        yield messages.documents(listed), keys
    yield _embeddings(reader, "vector")


def _one_or_all(found: list[Any] | None) -> Any:
    return found[0] if found and len(found) == 1 else found


def _listed(reader: Reader, prefix: str) -> _Found:
    """A family as the list that it is made of."""
    found = reader.family(prefix)
    return (_nested(found), [prefix + name for name in found]) if found else _NOTHING


def _nested(found: Mapping[str, Any]) -> Any:
    return unflatten({name: value if type(value) is str else json_safe(value) for name, value in found.items()})


def _texts(reader: Reader, key: str, holder: str) -> _Found:
    """The texts of a completion: indexed, or all in one attribute as they once were."""
    listed, keys = _listed(reader, key + ".")
    if keys:
        return messages.leaves(listed, holder, "text"), keys
    if key not in reader.mine:
        return _NOTHING
    texts = values.decoded(reader.mine[key])
    if not messages.are_texts(texts):
        return None, []
    del reader.mine[key]
    return texts, [key]


def _embeddings(reader: Reader, name: str) -> _Found:
    """The texts or the vectors of embeddings; the other stays in the family."""
    family = reader.parts.get(_EMBEDDINGS)
    if not family:
        return _NOTHING
    found = {key: family.pop(key) for key in list(family) if key.endswith(f".embedding.{name}")}
    if not found:
        return _NOTHING
    return messages.leaves(_nested(found), "embedding", name), [_EMBEDDINGS + key for key in found]


def _reranking(reader: Reader) -> _Found:
    """A reranker's query and the documents that it ranks, or either alone."""
    listed, keys = _listed(reader, _RANKED)
    documents, query = messages.documents(listed), values.text(reader.mine.get(_QUERY))
    if query is None:
        return documents, keys
    if keys and not documents:
        reader.put_back(keys)
        keys = []
    del reader.mine[_QUERY]
    return {"query": query, "documents": documents} if documents else query, [*keys, _QUERY]


def _raw(reader: Reader, field: str, key: str, asked: Mapping[str, Any]) -> None:
    """The raw value is the field's if nothing else is, and metadata unless it repeats what is read already."""
    raw = values.content(reader.mine.get(key))
    if raw is not None and reader.wants(field):
        reader.offer(field, raw)
    elif raw is None or not messages.repeats(raw, reader.fields[field], asked):
        return
    del reader.mine[key]


def _usage(reader: Reader) -> None:
    for prefix, spellings in _TOKENS.items():
        found = reader.family(prefix)
        if not found:
            continue
        names = {spellings[name]: name for name in found if name in spellings}
        counted, unused = usage.from_gen_ai({spelling: found[name] for spelling, name in names.items()})
        used = {name for spelling, name in names.items() if spelling not in unused}
        reader.put_back(prefix + name for name in found if name not in used)
        _settle(reader, "usage", [(counted, [prefix + name for name in used])])


def _cost(reader: Reader) -> None:
    found = reader.family(_COST)
    if not found:
        return
    cost, used = _disjoint_cost({name: amount for name in found if (amount := values.number(found[name])) is not None})
    reader.put_back(_COST + name for name in found if name not in used)
    _settle(reader, "cost", [(cost, [_COST + name for name in used])])


def _disjoint_cost(amounts: Mapping[str, float]) -> tuple[Cost, set[str]]:
    """US dollars by Langfuse's disjoint keys, and the names that they say all of.

    The details are disjoint, and what they leave of their whole is for plain tokens. Details that are more than it show
    a sender that counts exclusively, as in `usage.from_gen_ai`. A whole that contradicts its details is not used.
    """
    cost: Cost = {}
    used: set[str] = set()
    for name, key in _COSTS.items():
        if name in amounts and key not in cost:
            cost[key] = amounts[name]
            used.add(name)
    for name, key in _COST_WHOLES.items():
        if name in amounts:
            parts = sum(amount for other, amount in cost.items() if other.startswith(f"{key}_"))
            rest = amounts[name] - parts if amounts[name] >= parts else amounts[name]
            plain = cost.setdefault(key, round(rest, _COST_DECIMALS))
            if math.isclose(plain, rest, rel_tol=1e-6, abs_tol=1e-9):
                used.add(name)
    if cost:
        cost.setdefault("total", round(sum(cost.values()), _COST_DECIMALS))
    return cost, used


def _first_chunk(reader: Reader) -> None:
    first = next((event.timestamp for event in reader.events if event.name == _FIRST_CHUNK), None)
    if first is not None and reader.start_ns <= first <= reader.end_ns:
        reader.offer("completion_start_ns", first)


CONVENTION = Convention(
    name="openinference",
    fields={**dict.fromkeys(_MODELS, Field("model", values.text)), "tag.tags": Field("tags", values.tags)},
    parts=frozenset(
        (_KIND, "metadata", *_PROVIDERS, *_PARAMETERS, *_PROMPT, *_RAW.values(), _PROMPTS, _CHOICES, _QUERY, _TOP_K)
    ),
    families=(_PARAMETER, *_CHAT, _PROMPTS + ".", _CHOICES + ".", *_LISTS, *_TOKENS, _COST),
    compose=_compose,
    composes={
        "type": (_KIND,),
        "model": tuple(f"{key} (model, if nothing else says it)" for key in _PARAMETERS),
        "model_parameters": (*_PARAMETERS, f"{_PARAMETER}*", _TOP_K),
        "input": (
            *(f"{_INPUT_MESSAGES}*", f"{_TOOLS}* (beside the messages)", f"{_PROMPTS}.*", _PROMPTS),
            *(f"{_EMBEDDINGS}* (texts)", _QUERY, f"{_RANKED}*", _RAW["input"]),
        ),
        "output": (
            *(f"{_OUTPUT_MESSAGES}*", f"{_CHOICES}.*", _CHOICES, f"{_RETRIEVED}*", f"{_RERANKED}*"),
            *(f"{_EMBEDDINGS}* (vectors)", _RAW["output"]),
        ),
        "usage": tuple(f"{prefix}*" for prefix in _TOKENS),
        "cost": (f"{_COST}*",),
        "completion_start_ns": (f"event {_FIRST_CHUNK}",),
        "prompt_name": (f"{_PROMPT[1]} (if {_PROMPT[0]} is langfuse)",),
        "prompt_version": (f"{_PROMPT[2]} (likewise)",),
        "metadata": ("metadata (its entries)", *(f"{key} (as provider)" for key in _PROVIDERS)),
    },
)

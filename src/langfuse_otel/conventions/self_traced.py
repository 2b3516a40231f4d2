"""Provider SDKs that trace themselves (genai-semconv.md, section 13), beside the GenAI conventions' names.

Anthropic's says how long a cache keeps what was written to it, on which the price depends, and traces the counting of
tokens like a call. Mistral's has the bodies of requests that have no messages, such as reading a document.

They come before the GenAI conventions, whose usage they complete.
"""

from __future__ import annotations

from langfuse_otel.conventions import usage, values
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.reader import Reader

_CACHE = "anthropic.usage.cache_creation."
_ANTHROPIC_REQUEST, _COUNT_TOKENS = "anthropic.request.id", "anthropic.messages.count_tokens"
_MISTRAL_SCOPE = "mistralai"
_BODIES = (("http.request.body", "input"), ("http.response.body", "output"))
_MESSAGES = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.call.arguments")
_GEN_AI_USAGE = "gen_ai.usage."


def _compose(reader: Reader) -> None:
    if reader.span.name == _COUNT_TOKENS:
        # No call to the model: what was counted is the answer, and costs nothing.
        reader.offer("type", "span")
        reader.put_back(_GEN_AI_USAGE + name for name in reader.family(_GEN_AI_USAGE))
    elif _CACHE in reader.parts:
        _usage(reader)
    scope = reader.span.instrumentation_scope
    if scope is not None and scope.name.startswith(_MISTRAL_SCOPE) and reader.attributes.keys().isdisjoint(_MESSAGES):
        for key, field in _BODIES:
            content = values.content(reader.mine.get(key))
            if content is not None and reader.wants(field):
                del reader.mine[key]
                reader.offer(field, content)


def _usage(reader: Reader) -> None:
    lifetimes = reader.family(_CACHE)
    if reader.wants("usage"):
        counted, unused = usage.from_gen_ai(reader.family(_GEN_AI_USAGE))
        usage.split_cache_creation(counted, lifetimes)
        reader.offer("usage", counted or None)
        reader.put_back(_GEN_AI_USAGE + name for name in unused)
    split = reader.fields.get("usage") or {}
    for name, value in lifetimes.items():
        lifetime = name.removeprefix("ephemeral_").removesuffix("_input_tokens")
        if split.get(f"input_cache_creation_{lifetime}", 0) != value:
            reader.put_back((_CACHE + name,))


CONVENTION = Convention(
    name="self_traced",
    parts=frozenset((_ANTHROPIC_REQUEST, *(key for key, _ in _BODIES))),
    families=(_CACHE,),
    compose=_compose,
    composes={
        "type": (f"span name ({_COUNT_TOKENS}: span)",),
        "usage": (f"{_GEN_AI_USAGE}*", f"{_CACHE}*"),
        **{field: (f"{key} (of Mistral's SDK, without messages)",) for key, field in _BODIES},
    },
)

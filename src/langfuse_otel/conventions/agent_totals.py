"""Agent frameworks that repeat on an agent's span the tokens of the model calls in it.

Pydantic AI before ``gen_ai.aggregated_usage.*``, Strands, and the Vercel AI SDK from version 7 write
``gen_ai.usage.*`` on both (genai-semconv.md, sections 0 and 11 to 13; Langfuse issue 14754). The numbers stay metadata
there. An agent of any other library keeps its usage: a remote one has no other span that would carry it.
"""

from __future__ import annotations

import re

from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.reader import Reader

_SCOPES = re.compile(r"pydantic-ai\b|strands\b|ai$")
_AGENT_OPERATIONS = ("invoke_agent", "invoke_workflow")
_USAGE = "gen_ai.usage."


def _compose(reader: Reader) -> None:
    if _is_agent(reader):
        reader.put_back(_USAGE + name for name in reader.family(_USAGE))


def _is_agent(reader: Reader) -> bool:
    """By its operation; Pydantic AI's agent spans had none at first, nor the model that its chat spans have."""
    scope = reader.span.instrumentation_scope
    if scope is None or _SCOPES.match(scope.name) is None:
        return False
    operation = reader.attributes.get("gen_ai.operation.name")
    return operation in _AGENT_OPERATIONS or (operation is None and "gen_ai.request.model" not in reader.attributes)


CONVENTION = Convention(
    name="agent_totals",
    parts=frozenset(("gen_ai.agent.name", "agent_name")),  # one of them is on each agent's span; they stay metadata
    compose=_compose,
)

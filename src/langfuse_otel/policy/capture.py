"""Which content leaves the process: input, output, both or none, whoever recorded it.

An instrumentation's own switch stops content at its source, but each has another one, and most libraries that trace
themselves have none. This one is the last gate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from langfuse_otel.observation import Observation
from langfuse_otel.policy.chain import Rewrite
from langfuse_otel.policy.keys import matcher
from langfuse_otel.policy.metadata import kept

CONTENT_LEFT_OUT = "langfuse_otel.content_left_out"
"""Metadata key on an observation that lost content: what is left out by the setting, ``input, output`` say."""

CAPTURED: dict[str, frozenset[str]] = {
    "all": frozenset(("input", "output")),
    "input": frozenset(("input",)),
    "output": frozenset(("output",)),
    "none": frozenset(),
}
"""What is kept by each word of the setting."""

# Keys that may be left over as metadata, or passed through (langfuse-api.md, section 3.10; genai-semconv.md, sections
# 2 and 8 to 13). What holds both sides is in both.
_INPUT_KEYS = (
    *("gen_ai.input.messages*", "gen_ai.system_instructions*", "gen_ai.tool.definitions*", "gen_ai.prompt*"),
    *("gen_ai.tool.call.arguments", "gen_ai.tool.message", "gen_ai.retrieval.query*", "gen_ai.memory.query*"),
    *("gen_ai.task.input", "gen_ai.request.messages", "gen_ai.user.message", "gen_ai.system.message"),
    *("langfuse.observation.input", "langfuse.trace.input"),
    *("traceloop.entity.input", "traceloop.prompt.template*"),
    *("llm.prompts*", "llm.input_messages*", "llm.request.functions*", "llm.tools*", "llm.function_call"),
    *("llm.*.messages", "llm.*.tools", "llm.*.prompt", "llm.*.input", "llm.*.contents", "llm.*.system"),  # LiteLLM
    *("llm.prompt_template.template", "llm.prompt_template.variables", "tool.parameters", "tool.json_schema"),
    *("input", "input.value", "input.images*", "input.audio*", "input.documents*", "embedding.embeddings*"),
    *("embedding.text", "reranker.query", "reranker.input_documents*"),
    *("ai.prompt*", "ai.toolCall.args", "ai.value", "ai.values", "ai.schema*"),
    *("prompt", "request_data", "tool_arguments", "model_request_parameters", "pydantic_ai.variable_instructions"),
    *("gcp.vertex.agent.llm_request", "gcp.vertex.agent.tool_call_args"),
    *("genkit:input", "genkit:output.request", "mlflow.spanInputs"),
    *("lk.input_text", "lk.user_transcript", "lk.chat_ctx", "lk.user_input", "lk.instructions"),
    *("lk.function_tool.arguments", "mcp.request.argument*", "http.request.body*", "crew_inputs", "formatted_inputs"),
    *("flue.turn.input", "flue.tool.arguments", "flue.task.prompt", "flue.workflow.payload"),
)
_OUTPUT_KEYS = (
    *("gen_ai.output.messages*", "gen_ai.completion*", "gen_ai.tool.call.result", "gen_ai.choice"),
    *("gen_ai.retrieval.documents*", "gen_ai.memory.records*", "gen_ai.task.output", "gen_ai.assistant.message"),
    *("langfuse.observation.output", "langfuse.trace.output", "langfuse.experiment.item.expected_output"),
    *("llm.*.choices", "llm.*.candidates", "llm.anthropic.content", "llm.bedrock.output"),  # LiteLLM
    *("traceloop.entity.output", "llm.completions*", "llm.output_messages*", "llm.choices*"),
    *("output", "output.value", "output.images*", "output.audio*", "retrieval.documents*"),
    *("reranker.output_documents*", "ai.response.text", "ai.response.toolCalls", "ai.response.object"),
    *("ai.response.reasoning*", "ai.response.files", "ai.result.*", "ai.toolCall.result", "ai.embedding*"),
    *("response_data", "final_result", "tool_response"),
    *("gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_response", "genkit:output", "mlflow.spanOutputs"),
    *("lk.response.text", "lk.response.function_calls", "lk.function_tool.output", "mcp.response.value"),
    *("http.response.body*", "flue.turn.output", "flue.tool.result", "flue.task.result", "flue.operation.result"),
    *("flue.workflow.result", "db.query.result*", "db.search.result*", "db.query.embeddings*"),
)
_BOTH_SIDES = ("pydantic_ai.all_messages", "all_messages_events", "all_messages", "events", "logfire.msg")
# Some conventions give everything that a call was made with as its parameters.
_PARAMETERS = {
    "input": ("messages", "tools", "functions", "prompt", "input", "instructions", "system*", "contents", "prediction"),
    "output": (),
}
_is_no_content = matcher(
    (
        *("gen_ai.prompt.name", "gen_ai.prompt.version", "gen_ai.prompt.id", "ai.prompt.format"),
        *("llm.token_count.*", "llm.cost.*", "llm.usage.*"),
    )
)

# Span events whose attributes are content, whatever they are called.
_INPUT_EVENTS = ("gen_ai.system.message", "gen_ai.user.message", "gen_ai.tool.message", "gen_ai.content.prompt")
_OUTPUT_EVENTS = ("gen_ai.choice", "gen_ai.content.completion*", "llm.content.completion*", "db.*result*")
_EVENTS_OF_BOTH = ("gen_ai.assistant.message", "db.query.embeddings")  # an earlier answer is part of the input

_KEYS = {"input": (*_INPUT_KEYS, *_BOTH_SIDES), "output": (*_OUTPUT_KEYS, *_BOTH_SIDES)}
_EVENTS = {"input": (*_INPUT_EVENTS, *_EVENTS_OF_BOTH), "output": (*_OUTPUT_EVENTS, *_EVENTS_OF_BOTH)}
_NO_USAGE = {"input": 0, "output": 0, "total": 0}


class Capture:
    """Leaves out the content that is not wanted.

    That is input and output, what a convention did not read of them and left as metadata or parameters, and the same in
    attributes of span events. Definitions and arguments of tools are input, results are output. Usage, cost, model,
    names, the status message and a program's own metadata stay; a mark says what is missing (`CONTENT_LEFT_OUT`).

    A model call that said no usage, and loses only one half of its content, says that it used none: the server would
    count the words of the other half, and price the call by that (real-langfuse.md).

    Args:
        captured: A word of `CAPTURED`.

    Raises:
        ValueError: The word is unknown.
    """

    def __init__(self, captured: str) -> None:
        if captured not in CAPTURED:
            raise ValueError(f"is unknown; known are {', '.join(CAPTURED)}")
        self._wanted = CAPTURED[captured]
        self._unwanted = [side for side in ("input", "output") if side not in self._wanted]
        self._mark = {CONTENT_LEFT_OUT: ", ".join(self._unwanted)}
        self._is_content = matcher(key for side in self._unwanted for key in _KEYS[side])
        self._is_content_parameter = matcher(key for side in self._unwanted for key in _PARAMETERS[side])
        self._is_content_event = matcher(name for side in self._unwanted for name in _EVENTS[side])

    def __call__(self, observation: Observation) -> Observation:
        """The observation with the wanted content only."""
        metadata = kept(observation.metadata, self._keeps, self._keeps_event)
        changed: dict[str, Any] = dict.fromkeys(_said(observation, self._unwanted))
        loses_half = bool(changed)
        if "output" in self._unwanted and "input" in self._wanted:
            asked = _without_answer(observation.input)
            if asked is not observation.input:
                changed["input"] = asked
        for field, keeps in (("passthrough", self._keeps), ("model_parameters", self._keeps_parameter)):
            entries = getattr(observation, field)
            if entries and (wanted := kept(entries, keeps)) is not entries:
                changed[field] = wanted
        if not changed and metadata is observation.metadata:
            return observation
        if loses_half and observation.model and not observation.usage and _said(observation, self._wanted):
            changed["usage"] = dict(_NO_USAGE)
        changed["metadata"] = metadata | self._mark
        return msgspec.structs.replace(observation, **changed)

    def _keeps(self, key: str) -> bool:
        return not self._is_content(key) or _is_no_content(key)

    def _keeps_parameter(self, key: str) -> bool:
        return not self._is_content_parameter(key)

    def _keeps_event(self, name: str) -> bool:
        return not self._is_content_event(name)


def _without_answer(conversation: Any) -> Any:
    """The input without the answer at its end, which some agents' spans have there: the whole conversation."""
    if isinstance(conversation, dict):
        messages = conversation.get("messages")
        asked = _without_answer(messages) if isinstance(messages, list) else messages
        return conversation if asked is messages else {**conversation, "messages": asked}
    if isinstance(conversation, list):
        end = len(conversation)
        while end and _role(conversation[end - 1]) == "assistant":
            end -= 1
        return conversation if end == len(conversation) else conversation[:end]
    return conversation


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, dict) else getattr(message, "role", None)


def _said(observation: Observation, sides: Iterable[str]) -> list[str]:
    return [side for side in sides if getattr(observation, side) is not None]


def capture(captured: str) -> Rewrite | None:
    """The step for a word of the setting; None for ``all``, which needs none."""
    step = Capture(captured)
    return None if captured == "all" else step

"""The callback handler: runs of LangChain and LangGraph → spans."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from langfuse_otel.instrumentation.fields import field, fields, items, text
from langfuse_otel.instrumentation.frameworks import NOT_YET, Kind, Telemetry, Told, TracedRuns, document, step_kinds
from langfuse_otel_langchain.told import call_of, run_of
from langfuse_otel_langchain.values import CHAT, TEXT, messages_of, read

_AGENT = "langchain_create_agent"
_UNNAMED = "LangGraph"
_REDIRECTS = ("GraphBubbleUp",)  # LangGraph's


class LangChainHandler(BaseCallbackHandler):
    """Begins and ends a span for every run. LangChain runs it inline: in the task and thread of the run itself."""

    run_inline = True

    def __init__(self, telemetry: Telemetry) -> None:
        self.runs = TracedRuns(telemetry, run_of, _REDIRECTS)

    def __deepcopy__(self, memo: Any) -> LangChainHandler:
        return self  # configurations are copied, handlers in them as well

    def on_chat_model_start(self, serialized: Any, messages: Any, **told: Any) -> None:
        """A chat model is called."""
        self.runs.begin_call(told, CHAT, lambda: call_of(messages[0], serialized, told))

    def on_llm_start(self, serialized: Any, prompts: Any, **told: Any) -> None:
        """An LLM of the older kind is called."""
        self.runs.begin_call(told, TEXT, lambda: call_of(prompts, serialized, told))

    def on_chain_start(self, serialized: Any, inputs: Any, **told: Any) -> None:
        """An agent, a graph, a node of a graph, a chain, a prompt or a parser runs."""
        self.runs.begin_step(told, lambda: _chain(serialized, told), NOT_YET if _is_awaited(inputs) else inputs)

    def on_tool_start(self, serialized: Any, input_str: Any, *, inputs: Any = None, **told: Any) -> None:
        """A tool runs."""
        self.runs.begin_step(told, lambda: _tool(serialized, told), input_str if inputs is None else inputs)

    def on_retriever_start(self, serialized: Any, query: Any, **told: Any) -> None:
        """A retriever is asked."""
        self.runs.begin_step(told, lambda: step_kinds.retrieval(_name(serialized, told), document), query)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, chunk: Any = None, **_: Any) -> None:
        """A piece of an answer has come."""
        has_content = bool(token or field(field(chunk, "message"), "tool_call_chunks"))
        self.runs.chunk(run_id, has_content=has_content)

    def on_stream_event(self, event: Any, *, run_id: UUID, **_: Any) -> None:
        """A piece of an answer has come, in the newer protocol."""
        self.runs.chunk(run_id, has_content=text(event, "event") == "content-block-delta")

    def on_chain_end(self, outputs: Any, *, run_id: UUID, inputs: Any = None, **_: Any) -> None:
        """A chain, graph or node is done. One that streams knows its input only now."""
        self.runs.given(run_id, inputs)
        self.runs.end(run_id, outputs)

    def _ended(self, result: Any, *, run_id: UUID, **_: Any) -> None:
        self.runs.end(run_id, result)

    def _failed(self, error: BaseException, *, run_id: UUID, response: Any = None, **_: Any) -> None:
        self.runs.fail(run_id, error, response)

    on_llm_end = on_tool_end = on_retriever_end = cast(Any, _ended)
    on_llm_error = on_chain_error = on_tool_error = on_retriever_error = _failed


def _chain(serialized: Any, told: Told) -> Kind:
    name, metadata = _name(serialized, told) or "chain", fields(told.get("metadata"))
    agent = text(metadata, "lc_agent_name")
    if text(metadata, "ls_integration") == _AGENT and name == (agent or _UNNAMED):
        return step_kinds.agent(agent, read, messages_of)
    is_root = told.get("parent_run_id") is None
    return step_kinds.workflow(name, read, messages_of) if is_root else step_kinds.link(name, read)


def _tool(serialized: Any, told: Told) -> Kind:
    further = {"description": text(serialized, "description"), "call_id": text(told, "tool_call_id")}
    return step_kinds.tool(_name(serialized, told) or "tool", _read_tool, **further)


def _read_tool(value: Any) -> Any:
    return read(value.content if hasattr(value, "tool_call_id") else value)


def _is_awaited(given: Any) -> bool:
    """Whether a streamed input is still to come: the end of the run tells it."""
    is_placeholder = isinstance(given, dict) and given.keys() == {"input"}
    return is_placeholder and isinstance(given["input"], str) and not given["input"]


def _name(serialized: Any, told: Told) -> str | None:
    return text(told, "name") or text(serialized, "name") or next(reversed(items(serialized, "id")), None)

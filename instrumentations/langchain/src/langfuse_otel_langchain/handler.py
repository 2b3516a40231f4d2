"""The callback handler: runs of LangChain and LangGraph → spans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler

from langfuse_otel.instrumentation import Endpoint, step_kinds
from langfuse_otel.instrumentation.call import Telemetry
from langfuse_otel.instrumentation.called_back import CalledBack
from langfuse_otel.instrumentation.fields import field, fields, items, text
from langfuse_otel.instrumentation.runs import Runs
from langfuse_otel.instrumentation.steps import Kind, Step
from langfuse_otel_langchain.messages import document, messages_of, read
from langfuse_otel_langchain.metadata import is_hidden, prompt_of, told
from langfuse_otel_langchain.models import CHAT, TEXT, arguments_of

_AGENT = "langchain_create_agent"
_UNNAMED = "LangGraph"


class LangChainHandler(BaseCallbackHandler):
    """Begins and ends a span for every run. LangChain runs it inline: in the task and thread of the run itself."""

    run_inline = True

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self.runs: Runs[CalledBack | Step] = Runs()

    def __deepcopy__(self, memo: Any) -> LangChainHandler:
        return self  # configurations are copied, handlers in them as well

    def on_chat_model_start(self, serialized: Any, messages: Any, **run: Any) -> None:
        """A chat model is called."""
        self._begin(run, lambda: self._call(CHAT, messages[0], serialized, run))

    def on_llm_start(self, serialized: Any, prompts: Any, **run: Any) -> None:
        """An LLM of the older kind is called."""
        self._begin(run, lambda: self._call(TEXT, prompts, serialized, run))

    def on_chain_start(self, serialized: Any, inputs: Any, **run: Any) -> None:
        """An agent, a graph, a node of a graph, a chain, a prompt or a parser runs."""
        self._begin(run, lambda: self._step(_chain(serialized, run), inputs, run))

    def on_tool_start(self, serialized: Any, input_str: Any, *, inputs: Any = None, **run: Any) -> None:
        """A tool runs."""
        given = input_str if inputs is None else inputs
        self._begin(run, lambda: self._step(_tool(serialized, run), given, run))

    def on_retriever_start(self, serialized: Any, query: Any, **run: Any) -> None:
        """A retriever is asked."""
        self._begin(run, lambda: self._step(step_kinds.retrieval(_name(serialized, run), document), query, run))

    def on_llm_new_token(self, token: Any, *, run_id: UUID, chunk: Any = None, **_: Any) -> None:
        """A piece of an answer has come."""
        self._chunk(run_id, has_content=bool(token or field(field(chunk, "message"), "tool_call_chunks")))

    def on_stream_event(self, event: Any, *, run_id: UUID, **_: Any) -> None:
        """A piece of an answer has come, in the newer protocol."""
        self._chunk(run_id, has_content=text(event, "event") == "content-block-delta")

    def on_chain_end(self, outputs: Any, *, run_id: UUID, inputs: Any = None, **_: Any) -> None:
        """A chain, graph or node is done. One that streams knows its input only now."""
        step = self.runs.get(run_id)
        if inputs is not None and isinstance(step, Step):
            step.begin(inputs)
        self.runs.end(run_id, outputs)

    def _ended(self, result: Any, *, run_id: UUID, **_: Any) -> None:
        self.runs.end(run_id, result)

    def _failed(self, error: BaseException, *, run_id: UUID, response: Any = None, **_: Any) -> None:
        # LangGraph interrupts and redirects runs with exceptions. It may not be installed, so they are told by name.
        if any(kind.__name__ == "GraphBubbleUp" for kind in type(error).__mro__):
            asked = (each for said in error.args if isinstance(said, tuple) for each in said)
            self.runs.end(run_id, [getattr(each, "value", each) for each in asked] or None)
        else:
            self.runs.end(run_id, response, error)

    on_llm_end = on_tool_end = on_retriever_end = cast(Any, _ended)
    on_llm_error = on_chain_error = on_tool_error = on_retriever_error = _failed

    def _begin(self, run: dict[str, Any], make: Callable[[], CalledBack | Step | None]) -> None:
        making = (lambda: None) if is_hidden(run) else make
        self.runs.begin(run["run_id"], run.get("parent_run_id"), making, prompt_of(run))

    def _call(self, endpoint: Endpoint, given: Any, serialized: Any, run: dict[str, Any]) -> CalledBack | None:
        return CalledBack.begin(endpoint, self._telemetry, arguments_of(given, serialized, run))

    def _step(self, kind: Kind, given: Any, run: dict[str, Any]) -> Step:
        step = Step(self._telemetry, kind, told(run))
        if not _is_awaited(given):
            step.begin(given)
        return step

    def _chunk(self, run_id: UUID, *, has_content: bool) -> None:
        called = self.runs.get(run_id)
        if isinstance(called, CalledBack):
            called.chunk(has_content=has_content)


def _chain(serialized: Any, run: dict[str, Any]) -> Kind:
    name, metadata = _name(serialized, run) or "chain", fields(run.get("metadata"))
    agent = text(metadata, "lc_agent_name")
    if text(metadata, "ls_integration") == _AGENT and name == (agent or _UNNAMED):
        return step_kinds.agent(agent, read, messages_of)
    is_root = run.get("parent_run_id") is None
    return step_kinds.workflow(name, read, messages_of) if is_root else step_kinds.link(name, read)


def _tool(serialized: Any, run: dict[str, Any]) -> Kind:
    told = {"description": text(serialized, "description"), "call_id": text(run, "tool_call_id")}
    return step_kinds.tool(_name(serialized, run) or "tool", _read_tool, **told)


def _read_tool(value: Any) -> Any:
    return read(value.content if hasattr(value, "tool_call_id") else value)


def _is_awaited(given: Any) -> bool:
    """Whether a streamed input is still to come: the end of the run tells it."""
    is_placeholder = isinstance(given, dict) and given.keys() == {"input"}
    return is_placeholder and isinstance(given["input"], str) and not given["input"]


def _name(serialized: Any, run: dict[str, Any]) -> str | None:
    return text(run, "name") or text(serialized, "name") or next(reversed(items(serialized, "id")), None)

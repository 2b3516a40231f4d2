"""The callback handler: runs of LangChain and LangGraph → spans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from langfuse_otel.instrumentation import Endpoint
from langfuse_otel.instrumentation.call import Current, Telemetry, begin
from langfuse_otel.instrumentation.called_back import CalledBack
from langfuse_otel.instrumentation.fields import items, text
from langfuse_otel.instrumentation.foreign import foreign_wrapper
from langfuse_otel.instrumentation.guard import report
from langfuse_otel.instrumentation.runs import Runs, Unseen
from langfuse_otel.instrumentation.steps import Step
from langfuse_otel.instrumentation.within import enter
from langfuse_otel.instrumentation.wrap import step_aside
from langfuse_otel_langchain import steps
from langfuse_otel_langchain.metadata import is_hidden, prompt_of, told
from langfuse_otel_langchain.models import CHAT, TEXT, arguments_of
from langfuse_otel_langchain.steps import Kind


class LangChainHandler(BaseCallbackHandler):
    """Begins and ends a span for every run. LangChain runs it inline: in the task and thread of the run itself."""

    run_inline = True

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self.runs: Runs[CalledBack | Step | Unseen] = Runs()

    def __deepcopy__(self, memo: Any) -> LangChainHandler:
        return self  # configurations are copied, handlers in them as well

    def on_chat_model_start(self, serialized: Any, messages: Any, **run: Any) -> None:
        """A chat model is called."""
        self._begin(run, lambda: self._call(CHAT, messages[0], serialized, run))

    def on_llm_start(self, serialized: Any, prompts: Any, **run: Any) -> None:
        """An LLM of the older kind is called."""
        self._begin(run, lambda: self._call(TEXT, prompts, serialized, run))

    def on_chain_start(self, serialized: Any, inputs: Any, **run: Any) -> None:
        """A chain, a graph, a node of a graph, a prompt or a parser runs."""
        self._begin(run, lambda: self._step(steps.chain(_name(serialized, run, "chain"), run), inputs, run))

    def on_tool_start(self, serialized: Any, input_str: Any, *, inputs: Any = None, **run: Any) -> None:
        """A tool runs."""
        given = input_str if inputs is None else inputs
        self._begin(run, lambda: self._step(steps.tool(_name(serialized, run, "tool"), serialized, run), given, run))

    def on_retriever_start(self, serialized: Any, query: Any, **run: Any) -> None:
        """A retriever is asked."""
        self._begin(run, lambda: self._step(steps.retriever(_name(serialized, run, "")), query, run))

    def on_llm_new_token(self, token: Any, *, run_id: UUID, chunk: Any = None, **_: Any) -> None:
        """A piece of an answer has come."""
        called = self.runs.get(run_id)
        if isinstance(called, CalledBack):
            message = getattr(chunk, "message", None)
            called.chunk(has_content=bool(token or getattr(message, "tool_call_chunks", None)))

    def on_stream_event(self, event: Any, *, run_id: UUID, **_: Any) -> None:
        """A piece of an answer has come, in the newer protocol."""
        called = self.runs.get(run_id)
        if isinstance(called, CalledBack):
            called.chunk(has_content=text(event, "event") == "content-block-delta")

    def on_llm_end(self, response: Any, *, run_id: UUID, **_: Any) -> None:
        """A model has answered."""
        self.runs.end(run_id, response)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, inputs: Any = None, **_: Any) -> None:
        """A chain, graph or node is done. One that streams knows its input only now."""
        step = self.runs.get(run_id)
        if inputs is not None and isinstance(step, Step):
            step.begin(inputs)
        self.runs.end(run_id, outputs)

    def on_tool_end(self, output: Any, *, run_id: UUID, **_: Any) -> None:
        """A tool is done."""
        self.runs.end(run_id, output)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **_: Any) -> None:
        """A retriever has found documents."""
        self.runs.end(run_id, documents)

    def _failed(self, error: BaseException, *, run_id: UUID, response: Any = None, **_: Any) -> None:
        # LangGraph interrupts and redirects runs with exceptions. It may not be installed, so they are told by name.
        if any(kind.__name__ == "GraphBubbleUp" for kind in type(error).__mro__):
            interrupts = [
                getattr(each, "value", each) for told in error.args if isinstance(told, tuple) for each in told
            ]
            self.runs.end(run_id, interrupts or None)
        else:
            self.runs.end(run_id, response, error)

    on_llm_error = on_chain_error = on_tool_error = on_retriever_error = _failed

    def _begin(self, run: dict[str, Any], make: Callable[[], CalledBack | Step | None]) -> None:
        """Begin a run below its parent: whatever happens, it is known to its children."""
        run_id, parent_id = run["run_id"], run.get("parent_run_id")
        parent, begun = self.runs.context_below(parent_id), None
        try:
            if is_instrumentation_enabled() and not is_hidden(run):
                with Current(parent):
                    begun = make()
        except Exception as error:
            report("starting a run", error)
        self.runs.add(run_id, begun or Unseen(parent))
        if (prompt := prompt_of(run)) is not None:
            # A prompt template is a run beside the model that it is for: their parent knows.
            for link in (parent_id, run_id):
                self.runs.use_prompt(link, prompt)
        enter(self.runs.context_below(run_id))

    def _call(self, endpoint: Endpoint, given: Any, serialized: Any, run: dict[str, Any]) -> CalledBack | None:
        arguments = arguments_of(given, serialized, run)
        call = begin(endpoint, self._telemetry, arguments, arguments)
        return None if call is None else CalledBack(call)

    def _step(self, kind: Kind, given: Any, run: dict[str, Any]) -> Step:
        attributes = {**told(run), **kind.attributes}
        step = Step(self._telemetry, kind.name, attributes, kind.input, kind.output)
        if not (
            isinstance(given, dict)
            and given.keys() == {"input"}
            and isinstance(given["input"], str)
            and not given["input"]
        ):
            step.begin(given)  # else a streamed input: the end tells it
        return step


class _Foreign(type):
    def __instancecheck__(cls, handler: object) -> bool:
        if isinstance(handler, LangChainHandler):
            return True
        foreign = foreign_wrapper(type(handler))
        if foreign is not None:
            step_aside("langchain_core", foreign)
        return foreign is not None


class TracesAlready(metaclass=_Foreign):
    """``isinstance`` holds for handlers beside which ours is not added: itself, and other instrumentations'."""


def _name(serialized: Any, run: dict[str, Any], default: str) -> str:
    return text(run, "name") or text(serialized, "name") or next(reversed(items(serialized, "id")), default)

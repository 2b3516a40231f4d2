"""Chains, tools, retrievers, graphs and agents."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import operator
import sys
import threading
from typing import Annotated, Any, TypedDict

import pytest
from langchain.agents import create_agent, factory
from langchain_core.documents import Document
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langchain_openai import OpenAIEmbeddings
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from openai import OpenAI
from opentelemetry import context as otel_context
from opentelemetry.trace import StatusCode

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.provenance import PromptRef

# LangGraph runs a node in a context of its own only where asyncio's tasks take one; LangChain then finds the parent.
NEEDS_TASKS_WITH_CONTEXT = pytest.mark.skipif(sys.version_info < (3, 11), reason="LangGraph's limit before Python 3.11")


async def _drain(stream: Any) -> list[Any]:
    return [chunk async for chunk in stream]


CALLS = {
    "invoke": lambda runnable, given: runnable.invoke(given),
    "ainvoke": lambda runnable, given: asyncio.run(runnable.ainvoke(given)),
    "stream": lambda runnable, given: list(runnable.stream(given)),
    "astream": lambda runnable, given: asyncio.run(_drain(runnable.astream(given))),
    "batch": lambda runnable, given: runnable.batch([given]),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
CHAT = "chat gpt-4o-mini"


@every_call
def test_a_chain_is_a_tree(model: Any, both: Any, tree: Any, call: Any) -> None:
    chain = ChatPromptTemplate.from_messages([("user", "Hi {name}")]) | model | StrOutputParser()
    call(chain, {"name": "Bo"})
    root = "invoke_workflow RunnableSequence"
    assert tree.names == {root: {"ChatPromptTemplate": {}, CHAT: {}, "StrOutputParser": {}}}
    assert json.loads(tree.attributes(root)[names.STEP_INPUT]) == {"name": "Bo"}
    assert tree.attributes(root)[names.STEP_OUTPUT] == "Hello there"
    assert tree.attributes("ChatPromptTemplate")[names.STEP_TYPE] == "chain"


@every_call
def test_code_inside_a_chain_is_below_it(model: Any, server: Any, both: Any, tree: Any, call: Any) -> None:
    client = OpenAI(base_url=server.url, api_key="x")

    def ask(name: str) -> str:
        client.chat.completions.create(model="direct", messages=[{"role": "user", "content": name}])
        return name

    call(RunnableLambda(ask).with_config(run_name="ask"), "Bo")
    assert tree.names == {"invoke_workflow ask": {"chat direct": {}}}


def test_branches_in_threads_have_the_right_parent(both: Any, tree: Any, model: Any) -> None:
    meeting = threading.Barrier(2, timeout=10)

    def branch(name: str) -> Any:
        return RunnableLambda(lambda given: (meeting.wait(), given)[1], name=name) | model

    RunnableParallel(a=branch("a"), b=branch("b")).invoke("Hi")
    ((root, branches),) = tree.names.items()
    assert root.startswith("invoke_workflow RunnableParallel")
    assert sorted(next(iter(below)) for below in branches.values()) == ["a", "b"]
    assert [list(below)[1] for below in branches.values()] == [CHAT, CHAT]


def test_concurrent_tasks_have_traces_of_their_own(both: Any, model: Any) -> None:
    async def ask_at_once() -> None:
        await asyncio.gather(*(chain.ainvoke(f"Hi {number}") for number in range(5)))

    chain = RunnableLambda(lambda given: given) | model
    asyncio.run(ask_at_once())
    traces = {span.context.trace_id for span in both.spans}
    assert len(traces) == 5
    assert len(both.spans) == 15


def test_a_root_run_hangs_below_the_span_around_it(recording: Any, model: Any) -> None:
    with recording.tracer_provider.get_tracer("app").start_as_current_span("request"):
        model.invoke("Hi")
    chat, request = recording.spans
    assert chat.parent.span_id == request.context.span_id


def test_a_failing_step_is_an_error_all_the_way_up(recording: Any, tree: Any) -> None:
    def fail(_: Any) -> None:
        raise KeyError("no such thing")

    chain = RunnableLambda(lambda given: given, name="fine") | RunnableLambda(fail, name="fail")
    with pytest.raises(KeyError):
        chain.invoke("Hi")
    assert tree.span("fine").status.status_code is StatusCode.UNSET
    assert tree.span("fail").status.status_code is StatusCode.ERROR
    assert tree.attributes("fail")["error.type"] == "KeyError"
    assert tree.attributes("invoke_workflow RunnableSequence")["error.type"] == "KeyError"


@pytest.mark.parametrize("is_async", [False, True])
def test_a_retriever_is_a_retrieval(server: Any, both: Any, tree: Any, is_async: bool) -> None:
    class Shelf(BaseRetriever):
        def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
            OpenAIEmbeddings(base_url=server.url, api_key="x", model="e", check_embedding_ctx_length=False).embed_query(
                query
            )
            return [Document("found", metadata={"score": 0.5}, id="d1")]

    asyncio.run(Shelf().ainvoke("where?")) if is_async else Shelf().invoke("where?")
    assert tree.names == {"retrieval Shelf": {"embeddings e": {}}}
    attributes = tree.attributes("retrieval Shelf")
    assert attributes["gen_ai.retrieval.query.text"] == "where?"
    (document,) = json.loads(attributes["gen_ai.retrieval.documents"])
    assert document == {"id": "d1", "content": "found", "score": 0.5, "metadata": {"score": 0.5}}


@tool
def weather(city: str) -> str:
    """Says it."""
    return f"sunny in {city}"


@pytest.mark.skipif("lc_agent_name" not in inspect.getsource(factory), reason="a langchain that does not name agents")
@pytest.mark.parametrize("is_async", [False, pytest.param(True, marks=NEEDS_TASKS_WITH_CONTEXT)])
def test_an_agent_with_a_tool_is_a_tree(model: Any, server: Any, both: Any, tree: Any, is_async: bool) -> None:
    server.answers = [server.tool_call("weather", city="Rome"), server.completion(content="Sunny!")]
    agent = create_agent(model, [weather], name="forecaster", checkpointer=InMemorySaver())
    given, config = {"messages": [("user", "weather in Rome?")]}, {"configurable": {"thread_id": "t1"}}
    asyncio.run(agent.ainvoke(given, config)) if is_async else agent.invoke(given, config)
    assert tree.names == {
        "invoke_agent forecaster": {
            "model": {CHAT: {}},
            "tools": {"execute_tool weather": {}},
            "model'": {CHAT: {}},
        }
    }
    agent_said = tree.attributes("invoke_agent forecaster")
    assert agent_said["gen_ai.agent.name"] == "forecaster"
    assert agent_said["gen_ai.conversation.id"] == "t1"
    assert "weather in Rome?" in agent_said["gen_ai.input.messages"]
    assert "Sunny!" in agent_said["gen_ai.output.messages"]
    assert "gen_ai.usage.input_tokens" not in agent_said
    told = tree.attributes("execute_tool weather")
    assert told["gen_ai.tool.call.id"] == "call_weather"
    assert json.loads(told["gen_ai.tool.call.arguments"]) == {"city": "Rome"}
    assert told["gen_ai.tool.call.result"] == "sunny in Rome"


def test_a_failing_tool_is_an_error(recording: Any, tree: Any) -> None:
    @tool
    def broken(city: str) -> str:
        """Fails."""
        raise RuntimeError("no such thing")

    with pytest.raises(RuntimeError):
        broken.invoke({"city": "Rome"})
    assert tree.attributes("execute_tool broken")["error.type"] == "RuntimeError"


class _State(TypedDict):
    said: Annotated[list[str], operator.add]


def _asking_graph() -> Any:
    def ask(state: _State) -> dict[str, Any]:
        return {"said": [interrupt("Go on?")]}

    return (
        StateGraph(_State)
        .add_node("ask", ask)
        .add_edge(START, "ask")
        .add_edge("ask", END)
        .compile(InMemorySaver(), name="asking")
    )


def test_an_interrupted_graph_is_no_error_and_shows_what_it_asks(recording: Any, tree: Any) -> None:
    graph, config = _asking_graph(), {"configurable": {"thread_id": "t1"}}
    graph.invoke({"said": []}, config)
    assert tree.names == {"invoke_workflow asking": {"ask": {}}}
    assert {span.status.status_code for span in recording.spans} == {StatusCode.UNSET}
    assert json.loads(tree.attributes("ask")[names.STEP_OUTPUT]) == ["Go on?"]
    assert graph.invoke(Command(resume="yes"), config) == {"said": ["yes"]}
    assert {span.status.status_code for span in recording.spans} == {StatusCode.UNSET}


def test_the_prompt_of_a_template_links_the_model_after_it(model: Any, recording: Any, tree: Any) -> None:
    template = ChatPromptTemplate.from_messages([("user", "Hi {name}")])
    template.metadata = {"langfuse_prompt": PromptRef("greeting", 2)}
    (template | model).invoke({"name": "Bo"})
    assert tree.attributes(CHAT)["gen_ai.prompt.name"] == "greeting"
    assert tree.attributes(CHAT)["gen_ai.prompt.version"] == "2"


def test_configurations_can_be_copied_while_a_run_is_under_way(recording: Any) -> None:
    RunnableLambda(lambda given, config: copy.deepcopy(config["callbacks"]) and given).invoke("Hi")
    assert len(recording.spans) == 1


def test_values_that_cannot_be_recorded_cost_nothing_but_themselves(recording: Any, tree: Any) -> None:
    class Odd:
        def __bool__(self) -> bool:
            raise RuntimeError

        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        def __repr__(self) -> str:
            raise RuntimeError

        __hash__ = object.__hash__

    cyclic: dict[str, Any] = {}
    cyclic["self"] = cyclic
    odd = Odd()
    for given in (odd, {"odd": odd}, cyclic, object(), b"\xff", {1: float("nan")}):
        assert RunnableLambda(lambda given: given).invoke(given) is given
    assert len(recording.spans) == 6
    assert {span.status.status_code for span in recording.spans} == {StatusCode.UNSET}


def test_nothing_is_traced_where_instrumentation_is_suppressed(recording: Any, model: Any) -> None:
    token = otel_context.attach(otel_context.set_value("suppress_instrumentation", True))
    try:
        (RunnableLambda(lambda given: given) | model).invoke("Hi")
    finally:
        otel_context.detach(token)
    assert recording.spans == ()

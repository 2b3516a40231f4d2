"""The assistant: find passages, let the model choose tools, stream the answer.

Model calls are plain ``openai`` calls; whoever traces them does it from outside. The spans made here are the steps that
only this application knows of, by OpenTelemetry's API and its GenAI semantic conventions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import prompts
import tools
from openai import NotFoundError, OpenAI
from opentelemetry import trace
from retrieval import KnowledgeBase

SHOP = "Tarn Kettles"
_AGENT = "tarn-support"
_tracer = trace.get_tracer("tarn.assistant")


class Assistant:
    """One conversation.

    Args:
        client: Where the model is.
        model: What answers.
        knowledge: What it may answer from.
        preview_model: Tried first for the final answer when given; ``model`` steps in where there is no such model.
    """

    def __init__(self, client: OpenAI, model: str, knowledge: KnowledgeBase, preview_model: str | None = None) -> None:
        self._client, self._model, self._knowledge = client, model, knowledge
        self._models = [preview_model, model] if preview_model else [model]
        self._history: list[dict[str, Any]] = []

    def ask(self, question: str, show: Callable[[str], object]) -> str:
        """The answer; ``show`` gets its pieces as they come.

        No generator: a span that is current across a ``yield`` would be current in the caller's code as well.
        """
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": _AGENT,
            "gen_ai.input.messages": _said("user", question),
        }
        with _tracer.start_as_current_span(f"invoke_agent {_AGENT}", attributes=attributes) as span:
            passages = self._passages(question)
            results = self._use_tools(question)
            answer = ""
            for piece in self._stream(question, passages, results):
                show(piece)
                answer += piece
            span.set_attribute("gen_ai.output.messages", _said("assistant", answer))
        self._history += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return answer

    def _passages(self, question: str) -> str:
        """What the knowledge base has; the question before is part of the query, because it says what "it" means."""
        before = [message["content"] for message in self._history if message["role"] == "user"][-1:]
        found = self._knowledge.search(" ".join([*before, question]))
        return "\n".join(f'<passage source="{passage.source}">\n{passage.text}\n</passage>' for passage in found)

    def _use_tools(self, question: str) -> list[dict[str, Any]]:
        """The messages of tool calls and their results; none when the model wants no tool."""
        system = prompts.instructions().compile(shop=SHOP)
        messages: list[Any] = [
            {"role": "system", "content": system},
            *self._history,
            {"role": "user", "content": question},
        ]
        completion = self._client.chat.completions.create(
            model=self._model, messages=messages, tools=tools.TOOLS, temperature=0, max_tokens=100
        )
        message = completion.choices[0].message
        calls = [call for call in message.tool_calls or () if call.type == "function"]
        if not calls:
            return []
        asked = {"role": "assistant", "tool_calls": [call.model_dump(exclude_none=True) for call in calls]}
        answered = [{"role": "tool", "tool_call_id": call.id, "content": tools.execute(call)} for call in calls]
        return [asked, *answered]

    def _stream(self, question: str, passages: str, results: list[dict[str, Any]]) -> Iterator[str]:
        compiled = prompts.answer().compile(
            shop=SHOP, passages=passages, history=list(self._history), question=question
        )
        messages: list[Any] = [*compiled, *results]
        for model in self._models:
            try:
                stream = self._client.chat.completions.create(
                    model=model, messages=messages, temperature=0.2, max_tokens=200, stream=True
                )
            except NotFoundError:
                if model == self._model:
                    raise
                continue  # no such model here: the dependable one answers
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    yield chunk.choices[0].delta.content
            return


def _said(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}], ensure_ascii=False)

"""Links of spans that others made: completed at export, from memory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.util.types import AttributeValue

from langfuse_otel.conventions.registry import read
from langfuse_otel.observation import Observation
from langfuse_otel.prompts.completion import completed_by
from langfuse_otel.prompts.models import Prompt, Selector, TextPrompt
from langfuse_otel.provenance import PromptRef, remember

STORED = {
    Selector("greet"): TextPrompt(name="greet", version=7, prompt="x"),
    Selector("greet", label="eu"): TextPrompt(name="greet", version=8, prompt="x"),
    Selector("many"): TextPrompt(name="many", version=70_000, prompt="x"),
}
KEYS = [
    ("langfuse.observation.prompt.name", "langfuse.observation.prompt.version"),
    ("langfuse.prompt.name", "langfuse.prompt.version"),
    ("gen_ai.prompt.name", "gen_ai.prompt.version"),
    ("traceloop.prompt.key", "traceloop.prompt.version"),
]
tracer = TracerProvider().get_tracer("somebody.elses")


def observed(attributes: dict[str, AttributeValue], *messages: tuple[str, str]) -> Observation:
    """The observation of a span of some instrumentation."""
    content = [{"role": role, "parts": [{"type": "text", "content": text}]} for role, text in messages]
    own = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(content)} if messages else {}
    span = tracer.start_span("chat", attributes={**own, **attributes})
    span.end()
    return read(span)  # type: ignore[arg-type]


def complete(observation: Observation) -> Observation:
    return completed_by(STORED.get)(observation)


def link(observation: Observation) -> tuple[str | None, int | None]:
    return observation.prompt_name, observation.prompt_version


class TestNamed:
    @pytest.mark.parametrize(("name_key", "version_key"), KEYS)
    def test_without_a_version_it_is_that_in_production(self, name_key: str, version_key: str) -> None:
        completed = complete(observed({name_key: "greet"}))
        assert link(completed) == ("greet", 7)
        assert name_key not in completed.metadata

    @pytest.mark.parametrize(("name_key", "version_key"), KEYS)
    def test_a_label_in_the_versions_place_is_looked_up(self, name_key: str, version_key: str) -> None:
        completed = complete(observed({name_key: "greet", version_key: "eu"}))
        assert link(completed) == ("greet", 8)
        assert completed.metadata == {"prompt_label": "eu"}

    def test_what_is_complete_stays(self) -> None:
        whole = observed({"gen_ai.prompt.name": "greet", "gen_ai.prompt.version": "2"})
        assert complete(whole) is whole
        assert link(whole) == ("greet", 2)

    @pytest.mark.parametrize(
        "attributes",
        [
            {"gen_ai.prompt.name": "not in memory"},
            {"gen_ai.prompt.name": "greet", "gen_ai.prompt.version": "no such label"},
            {"gen_ai.prompt.name": "greet", "gen_ai.prompt.version": 0},
            {"gen_ai.prompt.name": "greet", "gen_ai.prompt.version": [1, 2]},
            {"gen_ai.prompt.name": ".."},
            {"gen_ai.prompt.name": ["greet"]},
            {"gen_ai.prompt.name": "many"},
        ],
        ids=str,
    )
    def test_what_cannot_be_completed_stays_as_it_was(self, attributes: dict[str, Any]) -> None:
        observation = observed(attributes)
        assert complete(observation) is observation


class TestUnnamed:
    TEXT = "You are the assistant of Ada, and today is Monday"

    @pytest.fixture(autouse=True)
    def compiled(self) -> None:
        remember(self.TEXT, PromptRef("greet", 3, "eu"))

    def test_a_generation_is_linked_by_one_message_of_many(self) -> None:
        completed = complete(observed({}, ("user", "before"), ("system", self.TEXT), ("user", "after")))
        assert link(completed) == ("greet", 3)
        assert completed.metadata["prompt_label"] == "eu"

    def test_and_by_a_part_of_a_message(self) -> None:
        completed = complete(observed({}, ("system", f"House rules:\n{self.TEXT}\nNever swear.")))
        assert link(completed) == ("greet", 3)

    @pytest.mark.parametrize(
        "sent",
        [
            TEXT,
            json.dumps([TEXT]),
            json.dumps({"role": "user", "content": TEXT}),
            json.dumps({"messages": [{"role": "user", "content": TEXT}], "temperature": 1}),
            json.dumps([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": TEXT}]}]),
        ],
        ids=["text", "texts", "message", "request", "parts"],
    )
    def test_in_any_shape_of_input(self, sent: str) -> None:
        found = complete(observed({"langfuse.observation.type": "generation", "langfuse.observation.input": sent}))
        assert link(found) == ("greet", 3)

    @pytest.mark.parametrize(
        "sent",
        [
            "null",
            "3",
            "{}",
            "[",
            '{"messages": 3}',
            '[null, 3, [], {"content": null}, {"content": [3]}]',
            "[" * 100_000,
        ],
        ids=lambda sent: sent[:20],
    )
    def test_an_input_without_texts_links_nothing(self, sent: str) -> None:
        observation = observed({"langfuse.observation.type": "generation", "langfuse.observation.input": sent})
        assert complete(observation) is observation

    def test_what_is_no_generation_is_not_linked(self) -> None:
        observation = observed({"langfuse.observation.type": "tool", "langfuse.observation.input": self.TEXT})
        assert complete(observation) is observation


def test_the_store_is_not_asked_for_spans_that_name_no_prompt() -> None:
    def find(selector: Selector) -> Prompt | None:
        raise AssertionError(selector)

    observation = observed({"http.method": "GET"})
    assert completed_by(find)(observation) is observation

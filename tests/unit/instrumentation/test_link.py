"""From a text to the prompt that compiled to it."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace import SpanProcessor

from langfuse_otel.provenance import PromptRef, remember, using


def test_a_text_that_was_compiled_names_its_prompt(recording: Any, client: Any) -> None:
    remember("a text of some length", PromptRef("greeting", 2))
    client.say("a text of some length")
    assert recording.attributes["gen_ai.prompt.name"] == "greeting"
    assert recording.attributes["gen_ai.prompt.version"] == "2"


def test_the_text_wins_over_the_block_around_it(recording: Any, client: Any) -> None:
    remember("another text of some length", PromptRef("inner", 1))
    with using(PromptRef("outer", 1)):
        client.say("another text of some length")
        client.say("a text that nobody compiled")
    assert [span.attributes["gen_ai.prompt.name"] for span in recording.spans] == ["inner", "outer"]


def test_a_prompt_that_is_on_the_span_already_stays(recording: Any, client: Any) -> None:
    class Explicit(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            span.set_attribute("langfuse.observation.prompt.name", "explicit")

    recording.tracer_provider.add_span_processor(Explicit())
    with using(PromptRef("outer", 1)):
        client.say("hello")
    assert recording.attributes["langfuse.observation.prompt.name"] == "explicit"
    assert "gen_ai.prompt.name" not in recording.attributes


def test_without_a_prompt_there_is_no_link(recording: Any, client: Any) -> None:
    client.say("a text that nobody compiled")
    assert "gen_ai.prompt.name" not in recording.attributes


def test_a_text_that_is_a_part_of_a_message_names_its_prompt(recording: Any, client: Any) -> None:
    remember("Answer in one sentence, never guess.", PromptRef("rules", 4))
    client.say("Answer in one sentence, never guess.\nWhat is an exporter?")
    assert recording.attributes["gen_ai.prompt.name"] == "rules"
    assert recording.attributes["gen_ai.prompt.version"] == "4"


def test_the_label_that_chose_the_version_is_on_the_span(recording: Any, client: Any) -> None:
    remember("a text of the challenger", PromptRef("greeting", 3, "challenger"))
    client.say("a text of the challenger")
    assert recording.attributes["langfuse.observation.metadata.prompt_label"] == "challenger"
    remember("a text by number", PromptRef("greeting", 3))
    client.say("a text by number")
    assert "langfuse.observation.metadata.prompt_label" not in recording.spans[1].attributes

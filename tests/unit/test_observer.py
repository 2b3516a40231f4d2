"""What the exporter makes of spans before they are encoded."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from langfuse_otel.errors import SettingsError
from langfuse_otel.observation import Observation
from langfuse_otel.observer import Observer
from langfuse_otel.policy.maskers import MASKERS
from langfuse_otel.policy.twins import TWIN_OF
from langfuse_otel.prompts import Prompts
from langfuse_otel.provenance import PromptRef, remember
from langfuse_otel.selection import Selection
from langfuse_otel.settings import Settings, load
from support.prompt_server import PromptServer
from support.spans import Collector, finished, tracer_into


def observed(observer: Observer, spans: Iterable[ReadableSpan]) -> list[Observation]:
    """What becomes of a batch."""
    return observer.tell_once([observer.read(span) for span in spans])


def test_each_span_becomes_an_observation_in_order() -> None:
    seen = observed(Observer(load({}), Selection()), finished(3))
    assert [observation.name for observation in seen] == ["span 0", "span 1", "span 2"]


def test_environment_and_release_of_the_settings_are_the_last_choice() -> None:
    observe = Observer(load({}, environment="staging", release="r1"), Selection())
    (plain,) = observed(observe, finished())
    (own,) = observed(observe, finished(langfuse_environment="production"))
    assert (plain.environment, plain.release) == ("staging", "r1")
    assert (own.environment, own.release) == ("production", "r1")


def test_two_spans_of_one_call_are_told_once() -> None:
    attributes = {"gen_ai.operation.name": "chat", "gen_ai.response.id": "r", "gen_ai.usage.input_tokens": 3}
    collector = Collector()
    with tracer_into(collector) as tracer, tracer.start_as_current_span("outer", attributes=attributes):
        tracer.start_span("inner", attributes=attributes).end()
    told, set_back = observed(Observer(load({}), Selection()), collector.spans)
    assert told.usage == {"input": 3, "total": 3}
    assert (set_back.usage, set_back.metadata[TWIN_OF]) == (None, told.span_id)


def chat(**attributes: str) -> list[ReadableSpan]:
    """A call with this content."""
    collector = Collector()
    given = {"langfuse.observation.type": "generation", **{k.replace("__", "."): v for k, v in attributes.items()}}
    with tracer_into(collector) as tracer:
        tracer.start_span("chat", attributes=given).end()
    return collector.spans


class TestPrivacy:
    SECRET = "sk-proj-abcdefghijklmnop1234"

    def test_keys_are_hidden_by_default_and_personal_data_is_not(self) -> None:
        (seen,) = observed(
            Observer(load({}), Selection()), chat(gen_ai__prompt=f"use {self.SECRET} or ada@example.org")
        )
        assert self.SECRET not in str(seen)
        assert "ada@example.org" in str(seen)

    def test_nothing_is_hidden_when_asked(self) -> None:
        (seen,) = observed(Observer(load({}, mask="none"), Selection()), chat(gen_ai__prompt=self.SECRET))
        assert self.SECRET in str(seen)

    def test_the_user_s_function_sees_what_the_named_maskers_left(self) -> None:
        given = []

        def mask(*, data: object) -> object:
            given.append(data)
            return "hidden"

        (seen,) = observed(
            Observer(load({}, mask=["email", mask]), Selection()), chat(langfuse__observation__input="ada@example.org")
        )
        assert given[0] == "[email]"
        assert seen.input == "hidden"

    def test_a_function_that_cannot_be_called_is_a_wrong_setting(self) -> None:
        with pytest.raises(SettingsError, match="mask"):
            Observer(load({}, mask=lambda one, two: one), Selection())

    def test_content_and_attributes_are_left_out_as_set(self) -> None:
        settings = load({}, capture="output", attributes_deny="internal.*")
        spans = chat(
            langfuse__observation__input="in", langfuse__observation__output="out", internal__id="7", other="8"
        )
        (seen,) = observed(Observer(settings, Selection()), spans)
        assert (seen.input, seen.output) == (None, "out")
        assert "internal.id" not in seen.metadata
        assert seen.metadata["other"] == "8"

    def test_the_setting_names_the_maskers_that_there_are(self) -> None:
        assert load({}, mask=",".join(MASKERS)).mask == tuple(MASKERS)


def test_a_call_is_priced_by_the_user_before_the_public_list() -> None:
    spans = chat(gen_ai__request__model="gpt-4o-mini", langfuse__observation__usage_details='{"input": 1000}')
    own = Observer(load({}, prices="public"), Selection(), price=lambda _: {"total": 5.0})
    public = Observer(load({}, prices="public"), Selection())
    (priced_by_user,) = observed(own, spans)
    (priced_by_list,) = observed(public, spans)
    assert priced_by_user.cost == {"total": 5.0}
    assert priced_by_list.cost is not None
    assert priced_by_list.cost["total"] == pytest.approx(0.00015)


class TestPromptLinks:
    """Links of spans that others made, from the memory of the prompt clients that there are."""

    @pytest.fixture
    def server(self) -> Iterator[PromptServer]:
        with PromptServer() as running:
            yield running

    @pytest.fixture
    def settings(self, server: PromptServer) -> Settings:
        return load({}, public_key="pk-lf-1", secret_key="sk-lf-1", base_url=f"{server.url}/")

    def named(self, name: str) -> list[ReadableSpan]:
        return chat(gen_ai__prompt__name=name)

    def test_a_named_prompt_gets_its_version_from_the_client_of_the_project(
        self, server: PromptServer, settings: Settings
    ) -> None:
        server.publish("greet", "one")
        server.publish("greet", "two")
        observer = Observer(settings, Selection())
        (before,) = observed(observer, self.named("greet"))
        prompts = Prompts.from_settings(settings)  # it may come later than the exporter
        prompts.get("greet")
        asked = len(server.requests)
        (after,) = observed(observer, self.named("greet"))
        assert (before.prompt_name, before.prompt_version) == (None, None)
        assert (after.prompt_name, after.prompt_version) == ("greet", 2)
        assert len(server.requests) == asked

    def test_nobody_is_asked_for_what_is_not_in_memory(self, server: PromptServer, settings: Settings) -> None:
        server.publish("greet", "one")
        prompts = Prompts.from_settings(settings)
        (seen,) = observed(Observer(settings, Selection()), self.named("greet"))
        assert (seen.prompt_name, seen.metadata["gen_ai.prompt.name"]) == (None, "greet")
        assert server.requests == []
        assert prompts.status().misses == 0

    def test_the_prompts_of_another_project_are_none_of_its_business(
        self, server: PromptServer, settings: Settings
    ) -> None:
        server.publish("greet", "one")
        prompts = Prompts.from_settings(settings)
        prompts.get("greet")
        other = load({}, public_key="pk-lf-2", secret_key="sk-lf-2", base_url=server.url)
        (seen,) = observed(Observer(other, Selection()), self.named("greet"))
        assert seen.prompt_name is None

    def test_a_client_that_is_gone_is_not_looked_into(self, server: PromptServer, settings: Settings) -> None:
        server.publish("greet", "one")
        observer = Observer(settings, Selection())
        Prompts.from_settings(settings).get("greet")
        gc.collect()
        (seen,) = observed(observer, self.named("greet"))
        assert seen.prompt_name is None

    def test_a_link_by_text_survives_that_the_text_is_left_out(self, settings: Settings) -> None:
        text = "You are the assistant of Ada, and today is Tuesday"
        remember(text, PromptRef("greet", 3))
        observer = Observer(replace(settings, capture="none"), Selection())
        (seen,) = observed(observer, chat(langfuse__observation__input=text))
        assert (seen.input, seen.prompt_name, seen.prompt_version) == (None, "greet", 3)

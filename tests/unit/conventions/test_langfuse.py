"""Langfuse's own attributes, and what the server does with them that we do better (real-langfuse.md)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from langfuse_otel.observation import Observation

Observe = Callable[..., Observation]
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o-mini"}


def test_langfuse_wins_over_every_other_convention(observe: Observe) -> None:
    observation = observe(
        {
            **CHAT,
            "gen_ai.usage.input_tokens": 99,
            "gen_ai.conversation.id": "conversation",
            "langfuse.observation.type": "tool",
            "langfuse.observation.model.name": "mine",
            "langfuse.observation.usage_details": '{"input": 1}',
            "langfuse.session.id": "session",
        }
    )

    assert (observation.type, observation.model, observation.session_id) == ("tool", "mine", "session")
    assert observation.usage == {"input": 1, "total": 1}


def test_what_loses_its_field_stays_visible(observe: Observe) -> None:
    metadata = observe({**CHAT, "langfuse.observation.model.name": "mine", "gen_ai.usage.input_tokens": 9}).metadata

    assert metadata["gen_ai.request.model"] == "gpt-4o-mini"


def test_what_only_repeats_the_winner_is_not_repeated(observe: Observe) -> None:
    observation = observe({"langfuse.user.id": "u-1", "user.id": "u-1"})

    assert observation.user_id == "u-1"
    assert observation.metadata == {}


@pytest.mark.parametrize("name", ["event", "embedding", "agent", "guardrail", "evaluator", "GENERATION"])
def test_a_type_is_known_in_any_case(observe: Observe, name: str) -> None:
    assert observe({"langfuse.observation.type": name}).type == name.lower()


def test_an_unknown_type_falls_through_and_stays_visible(observe: Observe) -> None:
    observation = observe({"langfuse.observation.type": "thought", "gen_ai.operation.name": "embeddings"})

    assert observation.type == "embedding"
    assert observation.metadata["langfuse.observation.type"] == "thought"


@pytest.mark.parametrize(
    ("said", "level"),
    [("info", "DEFAULT"), (" Warn ", "WARNING"), ("FATAL", "ERROR"), ("trace", "DEBUG"), ("loud", "DEFAULT")],
)
def test_levels_of_other_loggers_are_known(observe: Observe, said: str, level: str) -> None:
    assert observe({"langfuse.observation.level": said}).level == level


def test_usage_details_win_whole_without_a_merge(observe: Observe) -> None:
    observation = observe(
        {"langfuse.observation.usage_details": '{"output": 3}', "gen_ai.usage.input_tokens": 7, **CHAT}
    )

    assert observation.usage == {"output": 3, "total": 3}
    assert observation.metadata["gen_ai.usage.input_tokens"] == 7


@pytest.mark.parametrize("details", ["{not json", "[1, 2]", "{}", 12])
def test_usage_details_that_are_no_object_fall_back_and_stay_visible(observe: Observe, details: object) -> None:
    observation = observe({"langfuse.observation.usage_details": details, "gen_ai.usage.input_tokens": 7, **CHAT})

    assert observation.usage == {"input": 7, "total": 7}
    assert observation.metadata["langfuse.observation.usage_details"] == details


def test_a_string_cost_is_a_number_and_not_zero(observe: Observe) -> None:
    assert observe({"langfuse.observation.cost_details": '{"input": "0.25", "total": 1}'}).cost == {
        "input": 0.25,
        "total": 1.0,
    }


def test_a_cost_entry_that_is_no_number_leaves_the_others_and_stays_visible(observe: Observe) -> None:
    raw = '{"input": "free", "output": 2}'
    observation = observe({"langfuse.observation.cost_details": raw})

    assert observation.cost == {"output": 2.0}
    assert observation.metadata["langfuse.observation.cost_details"] == raw


@pytest.mark.parametrize("version", [3, "3", 3.0])
def test_a_numeric_prompt_version_links_whatever_its_type(observe: Observe, version: object) -> None:
    observation = observe({"langfuse.observation.prompt.name": "p", "langfuse.observation.prompt.version": version})

    assert (observation.prompt_name, observation.prompt_version) == ("p", 3)


@pytest.mark.parametrize("version", ["production", 0, 70_000, -1, 2.5, True])
def test_a_prompt_version_that_no_server_takes_goes_to_the_metadata_with_its_name(
    observe: Observe, version: object
) -> None:
    observation = observe({"langfuse.observation.prompt.name": "p", "langfuse.observation.prompt.version": version})

    assert (observation.prompt_name, observation.prompt_version) == (None, None)
    assert observation.metadata == {
        "langfuse.observation.prompt.name": "p",
        "langfuse.observation.prompt.version": version,
    }


def test_a_prompt_name_without_a_version_goes_to_the_metadata(observe: Observe) -> None:
    observation = observe({"langfuse.observation.prompt.name": "p"})

    assert observation.prompt_name is None
    assert observation.metadata == {"langfuse.observation.prompt.name": "p"}


@pytest.mark.parametrize(
    ("said", "environment"),
    [
        ("Prod EU", "prod-eu"),
        ("Staging", "staging"),
        ("langfuse-langfuse_test", "test"),
        ("a" * 50, "a" * 40),
        ("Köln/1", "k-ln-1"),
    ],
)
def test_an_environment_is_normalised_and_its_original_kept(observe: Observe, said: str, environment: str) -> None:
    observation = observe({"langfuse.environment": said})

    assert observation.environment == environment
    assert observation.metadata == {"langfuse.environment": said}


def test_a_valid_environment_is_not_repeated(observe: Observe) -> None:
    assert observe({"deployment.environment.name": "prod-eu_1"}).metadata == {}


def test_an_environment_of_which_nothing_is_left_gives_way_to_the_next(observe: Observe) -> None:
    observation = observe({"langfuse.environment": "langfuse-"}, resource={"deployment.environment": "QA"})

    assert observation.environment == "qa"
    assert observation.metadata == {"langfuse.environment": "langfuse-"}


def test_a_moment_is_read_with_zone_without_and_in_json_quotes(observe: Observe) -> None:
    def moment(text: str) -> int | None:
        return observe({"langfuse.observation.completion_start_time": text}).completion_start_ns

    assert moment("1970-01-01T00:00:01.5Z") == 1_500_000_000
    assert moment('"1970-01-01T01:00:01+01:00"') == 1_000_000_000
    assert moment("1970-01-01T00:00:01") == 1_000_000_000
    assert moment("soon") is None


@pytest.mark.parametrize("said", [("a", "b", "a"), '["a", "b"]', " a, b ,", ["a", None, "b"]])
def test_tags_come_as_list_json_or_text_with_commas(observe: Observe, said: object) -> None:
    assert observe({"langfuse.trace.tags": said}).tags == ("a", "b")


def test_no_tags_are_no_tag(observe: Observe) -> None:
    observation = observe({"langfuse.trace.tags": []})

    assert observation.tags == ()
    assert observation.metadata == {"langfuse.trace.tags": []}


def test_the_traces_fields_are_on_the_observation(observe: Observe) -> None:
    observation = observe(
        {
            "user.id": 42,
            "session.id": "s",
            "langfuse.trace.name": "t",
            "langfuse.trace.public": "true",
            "langfuse.release": "r",
            "langfuse.version": "v",
            "langfuse.trace.metadata.tier": "gold",
            "langfuse.trace.metadata": '{"team": {"name": "x"}}',
        }
    )

    assert (observation.user_id, observation.session_id, observation.trace_name) == ("42", "s", "t")
    assert (observation.public, observation.release, observation.version) == (True, "r", "v")
    assert observation.trace_metadata == {"tier": "gold", "team": {"name": "x"}}
    assert observation.metadata == {}


def test_version_and_release_of_the_resource_are_the_default(observe: Observe) -> None:
    resource = {"service.version": "9.9", "langfuse.release": "r"}

    assert observe({}, resource=resource).version == "9.9"
    assert observe({}, resource=resource).release == "r"
    assert observe({"langfuse.version": "1"}, resource=resource).version == "1"


def test_metadata_come_as_object_or_key_by_key(observe: Observe) -> None:
    observation = observe(
        {
            "langfuse.observation.metadata": '{"a": {"b": 1}}',
            "langfuse.observation.metadata.c.d": "text",
            "langfuse.metadata.e": True,
        }
    )

    assert observation.metadata == {"a": {"b": 1}, "c.d": "text", "e": True}


def test_of_two_metadata_with_one_name_the_first_wins_and_the_other_stays_visible(observe: Observe) -> None:
    lost = {
        "langfuse.observation.metadata": '{"a": 2, "b": 2}',
        "langfuse.metadata.a": 3,
        "langfuse.metadata": '{"b": 4, "c": 4}',
    }
    observation = observe({**lost, "langfuse.observation.metadata.a": 1, "langfuse.metadata.d": 3})

    assert observation.metadata == {"a": 1, "b": 2, "c": 4, "d": 3, **lost}


def test_of_two_trace_metadata_with_one_name_the_other_stays_visible(observe: Observe) -> None:
    whole = {"langfuse.trace.metadata": '{"a": 2, "b": 2}'}
    observation = observe({**whole, "langfuse.trace.metadata.a": 1})

    assert observation.trace_metadata == {"a": 1, "b": 2}
    assert observation.metadata == whole


def test_metadata_that_are_no_object_are_not_dropped(observe: Observe) -> None:
    assert observe({"langfuse.observation.metadata": "note"}).metadata == {"langfuse.observation.metadata": "note"}


def test_a_foreign_attribute_never_replaces_metadata_of_the_same_name(observe: Observe) -> None:
    assert observe({"colour": "red", "langfuse.observation.metadata.colour": "blue"}).metadata == {
        "colour": "blue",
        "attributes.colour": "red",
    }


def test_json_quotes_of_the_langfuse_sdk_are_taken_off(observe: Observe) -> None:
    attributes = {"langfuse.observation.metadata.k": '"v"', "langfuse.trace.metadata.n": "1"}

    observation = observe(attributes, scope="langfuse-sdk")
    assert (observation.metadata, observation.trace_metadata) == ({"k": "v"}, {"n": "1"})
    assert observe(attributes, scope="other").metadata == {"k": '"v"'}


def test_langfuse_attributes_of_the_future_are_passed_through(observe: Observe) -> None:
    attributes = {"langfuse.experiment.item.id": "i-1", "langfuse.internal.as_root": True}

    assert observe(attributes).passthrough == attributes


def test_an_input_that_is_empty_gives_way(observe: Observe) -> None:
    observation = observe({"langfuse.observation.input": "", "gen_ai.tool.call.arguments": '{"a": 1}'})

    assert observation.input == '{"a": 1}'


def test_parameters_are_a_json_object_that_wins_whole(observe: Observe) -> None:
    parameters = {"temperature": 0.1, "stop": ["x"]}
    observation = observe(
        {"langfuse.observation.model.parameters": json.dumps(parameters), "gen_ai.request.temperature": 1.0}
    )

    assert observation.model_parameters == parameters
    assert observation.metadata == {"gen_ai.request.temperature": 1.0}

"""The Anthropic and Mistral SDKs' own spans."""

from __future__ import annotations

import pytest
from reading import plain, reading

from langfuse_otel.conventions import gen_ai, self_traced

read = reading(self_traced.CONVENTION, gen_ai.CONVENTION, scope="com.anthropic.sdk.python")


CREATION = "anthropic.usage.cache_creation."
TOKENS = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.cache_write.input_tokens": 60}
MISTRAL = "mistralai_sdk_tracer"
BODIES = {"http.request.body": '{"document": 1}', "http.response.body": '{"pages": []}'}


def test_tokens_written_to_a_cache_are_split_by_lifetime() -> None:
    observation = read(
        {
            **TOKENS,
            CREATION + "ephemeral_5m_input_tokens": 40,
            CREATION + "ephemeral_1h_input_tokens": 20,
        }
    )

    assert observation.usage == {
        "input": 40,
        "input_cache_creation": 0,
        "input_cache_creation_5m": 40,
        "input_cache_creation_1h": 20,
        "total": 100,
    }
    assert observation.metadata == {}


@pytest.mark.parametrize("count", [61, "x", -1, 1.5])
def test_a_lifetime_that_does_not_fit_stays_visible(count: object) -> None:
    attributes = {CREATION + "ephemeral_5m_input_tokens": count}
    observation = read({**TOKENS, **attributes})

    assert observation.usage == {"input": 40, "input_cache_creation": 60, "total": 100}
    assert observation.metadata == attributes


def test_counting_tokens_is_not_billed() -> None:
    attributes = {
        "anthropic.request.id": "r",
        "gen_ai.request.model": "claude",
        "gen_ai.usage.input_tokens": 9,
    }
    observation = read(attributes, name="anthropic.messages.count_tokens")

    assert (observation.type, observation.usage) == ("span", {"input": 0, "output": 0, "total": 0})
    assert observation.metadata == {"anthropic.request.id": "r", "gen_ai.usage.input_tokens": 9}


def test_mistrals_bodies_are_input_and_output_of_what_has_no_messages() -> None:
    observation = read(BODIES, scope=MISTRAL)

    assert (observation.input, observation.output) == ('{"document": 1}', '{"pages": []}')
    assert observation.metadata == {}


def test_messages_come_before_bodies() -> None:
    messages = '[{"role":"user","parts":[{"type":"text","content":"hi"}]}]'
    observation = read({**BODIES, "gen_ai.input.messages": messages}, scope=MISTRAL)

    assert plain(observation.input) == [{"role": "user", "content": "hi"}]
    assert observation.metadata == BODIES


def test_bodies_of_any_other_library_are_metadata() -> None:
    assert read(BODIES, scope="app").metadata == BODIES

"""One conversation in every form that the GenAI conventions have had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from older_forms import AZURE_EVENTS, CONTENT_EVENTS, DETAILS_EVENT, EVENTS, IN_ONE_TEXT, INDEXED, NOW, STRANDS_EVENTS
from reading import make_span, plain, registry_of, with_events

from langfuse_otel.conventions import gen_ai, gen_ai_events, gen_ai_prompt
from langfuse_otel.observation import Observation

_REGISTRY = registry_of(gen_ai.CONVENTION, gen_ai_events.CONVENTION, gen_ai_prompt.CONVENTION)


def observe(attributes: Mapping[str, Any] | None = None, **options: Any) -> Observation:
    return _REGISTRY.read(make_span(attributes, **options))


@pytest.mark.parametrize(
    ("attributes", "events"),
    [
        pytest.param(INDEXED, (), id="indexed"),
        pytest.param(IN_ONE_TEXT, (), id="in one text"),
        pytest.param({"gen_ai.system": "openai"}, EVENTS, id="an event a message"),
        pytest.param({}, AZURE_EVENTS, id="Azure's events"),
        pytest.param({}, STRANDS_EVENTS, id="Strands' events"),
        pytest.param({}, CONTENT_EVENTS, id="content events"),
        pytest.param({}, DETAILS_EVENT, id="details event"),
        pytest.param(NOW, EVENTS[:-1], id="attributes now, and events as well"),
    ],
)
def test_the_same_conversation_is_the_same_in_every_form(
    attributes: Mapping[str, Any], events: tuple[tuple[str, Mapping[str, Any]], ...]
) -> None:
    now = observe(NOW)
    events = tuple(
        (name, {k: v for k, v in said.items() if (k, attributes.get(k)) != ("gen_ai.system", None)})
        for name, said in events
    )

    observation = observe(attributes, during=with_events(*events))

    assert observation.input == now.input
    assert observation.output == now.output
    assert observation.metadata.keys() <= {"provider"}


@pytest.mark.parametrize("form", [INDEXED, IN_ONE_TEXT])
def test_the_names_of_now_win_and_what_lost_stays_metadata(form: Mapping[str, Any]) -> None:
    now = {
        "gen_ai.input.messages": '[{"role": "user", "parts": [{"type": "text", "content": "now"}]}]',
        "gen_ai.output.messages": '[{"role": "assistant", "parts": [{"type": "text", "content": "now"}]}]',
    }

    observation = observe({**form, **now})

    assert plain(observation.input) == [{"role": "user", "content": "now"}]
    assert plain(observation.output) == {"role": "assistant", "content": "now"}
    assert observation.metadata == dict(form)

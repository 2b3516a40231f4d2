"""Spans become what a real Langfuse makes of them (reference: langfuse-api.md 3.4 to 3.10, real-langfuse.md)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from langfuse_otel.server.mapping.observation import to_observation
from langfuse_otel.server.otlp_spans import Event
from support.received import START_NS, span


class TestType:
    @pytest.mark.parametrize(
        ("attributes", "expected"),
        [
            ({"langfuse.observation.type": "retriever", "openinference.span.kind": "LLM"}, "RETRIEVER"),
            ({"langfuse.observation.type": "GENERATION"}, "SPAN"),
            ({"langfuse.observation.type": "nonsense", "openinference.span.kind": "LLM"}, "GENERATION"),
            ({"openinference.span.kind": "llm", "gen_ai.operation.name": "embeddings"}, "EMBEDDING"),
            ({"gen_ai.operation.name": "chat"}, "GENERATION"),
            ({"gen_ai.operation.name": "execute_tool"}, "TOOL"),
            ({"gen_ai.operation.name": "invoke_agent"}, "AGENT"),
            ({"gen_ai.operation.name": "retrieval"}, "SPAN"),
            ({"gen_ai.operation.name": "retrieval", "gen_ai.request.model": "m"}, "GENERATION"),
            ({"gen_ai.tool.call.id": "call_1"}, "TOOL"),
            ({"model": "m"}, "GENERATION"),
            ({"gen_ai.operation.name": 7}, "SPAN"),
            ({}, "SPAN"),
        ],
    )
    def test_is_that_of_the_first_rule_that_yields_one(self, attributes: dict[str, Any], expected: str) -> None:
        assert to_observation(span(attributes)).type == expected


class TestModelUsageAndCost:
    def test_counts_are_made_exclusive_and_priced(self) -> None:
        got = to_observation(
            span(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.request.model": "gpt-4o-mini",
                    "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
                    "gen_ai.usage.input_tokens": 12,
                    "gen_ai.usage.output_tokens": 7,
                    "gen_ai.usage.cache_read.input_tokens": 4,
                }
            )
        )
        assert got.model == "gpt-4o-mini-2024-07-18"
        assert got.usage == {"input": 8, "output": 7, "input_cached_tokens": 4, "total": 19}
        assert got.cost == pytest.approx(
            {"input": 1.2e-6, "output": 4.2e-6, "input_cached_tokens": 3e-7, "total": 5.7e-6}
        )
        assert got.priced_as == "gpt-4o-mini"

    def test_usage_details_win_whole_and_nothing_is_subtracted(self) -> None:
        details = json.dumps({"input": 5, "output": 2, "input_cached_tokens": 9})
        got = to_observation(span({"langfuse.observation.usage_details": details, "gen_ai.usage.total_tokens": 99}))
        assert got.usage == {"input": 5, "output": 2, "input_cached_tokens": 9, "total": 16}

    @pytest.mark.parametrize(
        ("details", "expected"),
        [
            (
                {
                    "prompt_tokens": 10,
                    "completion_tokens": 6,
                    "total_tokens": 16,
                    "prompt_tokens_details": {"cached_tokens": 4},
                },
                {"input": 6, "output": 6, "input_cached_tokens": 4, "total": 16},
            ),
            (
                {"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16, "extra": 1},
                {"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16, "extra": 1, "total": 33},
            ),
            ({"input": "12", "output": 1.5, "other": -1, "nested": {}}, {"input": 12, "total": 12}),
            ({"input": 3, "total": 99}, {"input": 3, "total": 99}),
        ],
    )
    def test_usage_details_of_each_shape(self, details: dict[str, Any], expected: dict[str, int]) -> None:
        assert to_observation(span({"langfuse.observation.usage_details": json.dumps(details)})).usage == expected

    @pytest.mark.parametrize(("given", "expected"), [("[1]", {}), ("{broken", {"input": 3, "total": 3}), (7, {})])
    def test_usage_details_that_are_none(self, given: Any, expected: dict[str, int]) -> None:
        attributes = {"langfuse.observation.usage_details": given, "gen_ai.usage.input_tokens": 3}
        assert to_observation(span(attributes)).usage == expected

    def test_an_agent_span_of_gen_ai_loses_model_and_usage(self) -> None:
        got = to_observation(
            span({"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 3})
        )
        assert (got.model, got.usage, got.cost) == (None, {}, {})

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (
                {"langfuse.observation.cost_details": '{"input": 0.5, "output": 1}'},
                {"input": 0.5, "output": 1, "total": 1.5},
            ),
            ({"gen_ai.usage.cost": 0.25}, {"total": 0.25}),
            ({"gen_ai.usage.cost": "0.25"}, {"total": 0.0}),
        ],
    )
    def test_a_given_cost_replaces_the_price_table(self, given: dict[str, Any], expected: dict[str, float]) -> None:
        known = {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1000}
        got = to_observation(span({**known, **given}))
        assert (got.cost, got.priced_as) == (expected, None)

    @pytest.mark.parametrize(
        ("model", "known"),
        [("openai/gpt-4o-mini", True), ("gpt-4o-mini-2024-07-18", True), ("gpt-4o-minimal", False), ("mystery", False)],
    )
    def test_models_are_matched_by_name_and_date(self, model: str, known: bool) -> None:
        got = to_observation(span({"gen_ai.request.model": model, "gen_ai.usage.input_tokens": 10}))
        assert bool(got.cost) is known

    def test_parameters_are_those_of_the_request(self) -> None:
        got = to_observation(
            span(
                {"gen_ai.request.model": "m", "gen_ai.request.temperature": 0.2, "gen_ai.request.stop_sequences": ["x"]}
            )
        )
        assert got.model_parameters == {"temperature": 0.2, "stop_sequences": '["x"]'}


class TestContent:
    def test_langfuse_attributes_hide_every_other_source(self) -> None:
        got = to_observation(span({"langfuse.observation.input": "", "gen_ai.output.messages": "[]"}))
        assert (got.input, got.output) == ("", None)

    def test_system_instructions_come_first(self) -> None:
        messages = json.dumps([{"role": "user", "parts": []}])
        instructions = json.dumps([{"type": "text", "content": "be nice"}])
        got = to_observation(span({"gen_ai.input.messages": messages, "gen_ai.system_instructions": instructions}))
        assert json.loads(got.input or "")[0] == {"role": "system", "content": "be nice"}

    def test_system_instructions_alone_are_lost(self) -> None:
        assert to_observation(span({"gen_ai.system_instructions": '[{"content": "x"}]'})).input is None

    def test_a_stray_input_hides_the_messages(self) -> None:
        got = to_observation(span({"input": "stray", "gen_ai.output.messages": "[1]"}))
        assert (got.input, got.output) == ("stray", None)

    def test_message_events(self) -> None:
        events = [Event("gen_ai.user.message", {"content": "hi"}), Event("gen_ai.choice", {"message": "ho"})]
        got = to_observation(span(events=events))
        assert json.loads(got.input or "") == [{"role": "user", "content": "hi"}]
        assert json.loads(got.output or "") == {"role": "assistant", "message": "ho"}


class TestFields:
    def test_times_are_cut_to_milliseconds(self) -> None:
        got = to_observation(span())
        assert (got.start_ms, got.end_ms) == (START_NS // 10**6, START_NS // 10**6 + 1000)

    @pytest.mark.parametrize(
        ("level", "code", "expected"),
        [
            ("warn", 2, "WARNING"),
            (" Fatal ", 0, "ERROR"),
            ("odd", 2, "ERROR"),
            (None, 1, "DEFAULT"),
            (None, 2, "ERROR"),
        ],
    )
    def test_level(self, level: str | None, code: int, expected: str) -> None:
        attributes = {} if level is None else {"langfuse.observation.level": level}
        assert to_observation(span(attributes, status_code=code)).level == expected

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("Staging", "staging"),
            ("langfuse-langfuse_x", "x"),
            ("Prod EU", "default"),
            ("a" * 41, "a" * 40),
            ("langfuse", "default"),
        ],
    )
    def test_environment(self, given: str, expected: str) -> None:
        assert to_observation(span({"langfuse.environment": given})).environment == expected

    def test_environment_of_the_resource_is_the_second_choice(self) -> None:
        got = to_observation(span(resource={"deployment.environment.name": "Staging", "service.version": "9.9"}))
        assert (got.environment, got.version) == ("staging", "9.9")

    @pytest.mark.parametrize(
        ("given", "expected"),
        [(["a", "b"], ["a", "b"]), ('["a", "b"]', ["a", "b"]), ("a, b", ["a", "b"]), ("a", ["a"])],
    )
    def test_tags(self, given: Any, expected: list[str]) -> None:
        assert to_observation(span({"langfuse.trace.tags": given})).tags == expected

    def test_user_and_session_prefer_langfuse_names(self) -> None:
        got = to_observation(
            span({"user.id": "b", "langfuse.user.id": "a", "gen_ai.conversation.id": "c", "enduser.id": "no"})
        )
        assert (got.user_id, got.session_id) == ("a", "c")

    @pytest.mark.parametrize(
        ("kind", "version", "expected"),
        [("generation", 3, ("p", 3)), ("generation", 0, (None, None)), ("agent", 3, (None, None))],
    )
    def test_only_generations_are_linked_to_prompts(self, kind: str, version: int, expected: Any) -> None:
        attributes = {
            "langfuse.observation.type": kind,
            "langfuse.observation.prompt.name": "p",
            "langfuse.observation.prompt.version": version,
        }
        got = to_observation(span(attributes))
        assert (got.prompt_name, got.prompt_version) == expected

    def test_first_token_only_from_langfuse_and_only_in_iso(self) -> None:
        name = "langfuse.observation.completion_start_time"
        assert to_observation(span({name: "2026-11-21T06:00:00.5Z"})).completion_start_ms == 1_795_240_800_500
        assert (
            to_observation(span({name: "soon", "gen_ai.response.time_to_first_chunk": 1.0})).completion_start_ms is None
        )


class TestMetadata:
    def test_attributes_without_a_field_are_kept(self) -> None:
        got = to_observation(
            span({"own": 1, "langfuse.observation.metadata.k": "v", "langfuse.trace.metadata": '{"t": 2}'})
        )
        assert got.metadata["attributes"] == {"own": "1"}
        assert (got.metadata["k"], got.metadata["t"]) == ("v", 2)
        assert got.metadata["scope"] == {"name": "a.library", "version": "1.0", "attributes": {}}

    def test_the_sdk_s_own_spans_keep_only_what_was_said(self) -> None:
        got = to_observation(span({"own": 1, "langfuse.observation.metadata": "no object"}, scope="langfuse-sdk"))
        assert set(got.metadata) == {"scope"}

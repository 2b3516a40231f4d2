"""Answers of all makers, as frameworks pass them on."""

from __future__ import annotations

import pytest

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.frameworks import answers


@pytest.mark.parametrize("model", ["model", "model_name", "model_id"])
@pytest.mark.parametrize("usage", ["token_usage", "usage"])
def test_an_answer_is_read_by_any_names(model: str, usage: str) -> None:
    told = {model: "otter-1", "id": "a1", "status_code": 200, usage: {"prompt_tokens": 3}}
    assert answers.described(told, reasons=["stop", None]) == {
        names.RESPONSE_MODEL: "otter-1",
        names.RESPONSE_ID: "a1",
        names.STATUS_CODE: 200,
        names.USAGE_INPUT_TOKENS: 3,
        names.RESPONSE_FINISH_REASONS: ["stop"],
    }


def test_the_first_place_that_tells_is_right() -> None:
    told = answers.described(None, {"id": ""}, {"id": "a1"}, {"id": "a2", "model": "otter-1"})
    assert told == {names.RESPONSE_ID: "a1", names.RESPONSE_MODEL: "otter-1"}


def test_the_frameworks_counts_go_before_the_makers() -> None:
    counts = {"input_tokens": 5, "output_tokens": 2, "total_cost": 0}
    assert answers.described({"usage": {"input_tokens": 3, "completion_tokens": 9}}, usage=counts) == {
        names.USAGE_INPUT_TOKENS: 5,
        names.USAGE_OUTPUT_TOKENS: 2,
        names.COST_DETAILS: '{"total": 0.0}',
    }


@pytest.mark.parametrize("name", ["finish_reason", "stop_reason", "stopReason", "done_reason"])
def test_a_finish_reason_is_known_by_any_name(name: str) -> None:
    assert answers.finish_reason(None, {}, {name: "stop"}) == "stop"


def test_an_answer_that_tells_nothing_has_no_attributes() -> None:
    assert answers.described() == answers.described(None, 3, object()) == {}
    assert answers.finish_reason() is None

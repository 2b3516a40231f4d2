"""Cost where the span gives none."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource

from langfuse_otel import hook
from langfuse_otel.errors import MissingExtraError
from langfuse_otel.observation import Observation
from langfuse_otel.policy.prices import priced_by, public_prices


def call(**fields: Any) -> Observation:
    defaults: dict[str, Any] = {"model": "gpt-4o-mini-2024-07-18", "usage": {"input": 800, "output": 100, "total": 900}}
    return Observation(
        trace_id="t", span_id="s", name="chat", start_ns=1, end_ns=2, resource=Resource({}), **{**defaults, **fields}
    )


class TestTheUsersFunction:
    def test_is_asked_for_what_no_span_has_said(self) -> None:
        assert priced_by(lambda observation: {"input": 0.5, "output": 1})(call()).cost == {
            "input": 0.5,
            "output": 1.0,
            "total": 1.5,
        }

    @pytest.mark.parametrize("given", [{"cost": {"total": 0.25}}, {"model": None}, {"usage": None}, {"usage": {}}])
    def test_is_not_asked_otherwise(self, given: dict[str, Any]) -> None:
        def price(observation: Observation) -> dict[str, float]:
            raise AssertionError

        observation = call(**given)
        assert priced_by(price)(observation) is observation

    def test_is_not_asked_for_a_while_when_it_takes_too_long_time_and_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hook, "SLOW_S", -1.0)
        monkeypatch.setattr(hook, "TOO_SLOW_S", -1.0)
        priced = priced_by(lambda observation: {"total": 1.0})
        costs = [priced(call()).cost for _ in range(hook.TOO_SLOW_CALLS + 2)]
        assert costs == [{"total": 1.0}] * hook.TOO_SLOW_CALLS + [None] * 2

    @pytest.mark.parametrize("answer", [{"total": "much"}, {"total": -1}, {"total": float("nan")}, 7])
    def test_what_is_no_cost_is_left_to_the_server_and_said(
        self, answer: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        observation = call()
        assert priced_by(lambda _: answer)(observation) is observation
        assert "left to Langfuse" in caplog.text

    def test_none_leaves_it_to_the_server(self) -> None:
        assert priced_by(lambda _: None)(call()).cost is None


class TestPublicPrices:
    def test_count_cached_tokens_at_their_own_price(self) -> None:
        usage = {"input": 800, "input_cached_tokens": 200, "output": 90, "output_reasoning_tokens": 10, "total": 1100}
        cost = priced_by(public_prices())(call(usage=usage, metadata={"provider": "openai"})).cost
        # USD a million tokens: input 0.15, cached 0.075, output 0.60
        assert cost == pytest.approx({"input": 0.000135, "output": 0.00006, "total": 0.000195})

    def test_an_unknown_provider_does_not_hide_a_known_model(self) -> None:
        assert priced_by(public_prices())(call(metadata={"provider": "my-gateway"})).cost

    def test_an_unknown_model_is_left_to_the_server(self) -> None:
        assert priced_by(public_prices())(call(model="in-house-7b")).cost is None

    def test_without_the_package_the_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "genai_prices", None)
        with pytest.raises(MissingExtraError, match=r"langfuse-otel\[prices\]"):
            public_prices()

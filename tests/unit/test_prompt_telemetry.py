"""The prompt client's metrics, as OpenTelemetry's metrics SDK collects them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import Metric, Sum

import langfuse_otel
from langfuse_otel.errors import NotFoundError
from langfuse_otel.metering import COMPONENT_NAME, COMPONENT_TYPE
from langfuse_otel.prompt_telemetry import ERROR_TYPE, SOURCE, STATE, STORE, WITHIN, observe_prompts
from langfuse_otel.prompts import Prompts
from langfuse_otel.settings import load
from support.loopback import reply
from support.meters import Collector
from support.prompt_server import PromptServer

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "metrics.md"
KEYS = {"public_key": "pk-lf-1", "secret_key": "sk-lf-secret"}
COUNTED = {"served", "missed", "stale", "refreshed", "request.count", "request.duration", "request.within"} | {
    "lock.waited",
    "lock.duration",
    "store.failed",
}
STANDING = {"breaker.status", "cache.items", "cache.usage"}


class Meters(Collector):
    """What it collects of prompts."""

    def collect(self) -> dict[str, Metric]:
        """By name, without what all begin with."""
        return {name.removeprefix("langfuse.prompt."): metric for name, metric in super().collect().items()}

    def points(self, name: str) -> list[tuple[dict[str, Any], float]]:
        return [(dict(point.attributes or {}), point.value) for point in self.collect()[name].data.data_points]  # type: ignore[union-attr]

    def nonzero(self, name: str, *by: str) -> dict[tuple[Any, ...], float]:
        return {tuple(attributes.get(key) for key in by): value for attributes, value in self.points(name) if value}


@pytest.fixture
def meters() -> Iterator[Meters]:
    made = Meters()
    yield made
    made.provider.shutdown()


@pytest.fixture
def server() -> Iterator[PromptServer]:
    with PromptServer() as running:
        yield running


@pytest.fixture
def prompts(server: PromptServer, meters: Meters) -> Iterator[Prompts]:
    made = Prompts.from_settings(load({}, **KEYS, base_url=server.url))
    observe_prompts(made, meters.provider)
    yield made
    made.close()


def test_each_metric_is_documented_with_unit_kind_and_attributes(prompts: Prompts, meters: Meters) -> None:
    page = PAGE.read_text().partition("## Prompts")[2]
    rows = re.findall(r"^\| `langfuse\.prompt\.([a-z._]+)` \| ([a-z -]+) \| `(.+?)` \| (.*?) \|", page, re.MULTILINE)
    collected = meters.collect()
    kinds = {
        name: "counter" if isinstance(metric.data, Sum) and metric.data.is_monotonic else "up-down counter"
        for name, metric in collected.items()
    }
    assert [(name, kind, unit) for name, kind, unit, _ in rows] == [
        (name, kinds[name], metric.unit) for name, metric in collected.items()
    ]
    assert {name for name, kind in kinds.items() if kind == "counter"} == COUNTED
    assert set(kinds) == COUNTED | STANDING
    assert all(metric.description for metric in collected.values())
    for name, _, _, documented in rows:
        own = [{k: v for k, v in a.items() if not k.startswith("otel.")} for a, _ in meters.points(name)]
        assert set(re.findall("`(.+?)`", documented)) == {text for pairs in own for kv in pairs.items() for text in kv}


def test_attributes_name_the_component_and_no_prompt_or_key(
    server: PromptServer, prompts: Prompts, meters: Meters
) -> None:
    server.publish("a/secret/name", "x")
    prompts.get("a/secret/name")
    found = [attributes for name in COUNTED | STANDING for attributes, _ in meters.points(name)]
    for attributes in found:
        assert attributes.pop(COMPONENT_TYPE) == "langfuse_otel.prompts.client.Prompts"
        assert attributes.pop(COMPONENT_NAME) == "langfuse_otel.prompts.client.Prompts/0"
        assert set(attributes) <= {SOURCE, STORE, STATE, ERROR_TYPE, WITHIN}
    assert "secret" not in str(found)


def test_prompts_show_by_where_they_came_from(server: PromptServer, prompts: Prompts, meters: Meters) -> None:
    server.publish("p", "x")
    for _ in range(3):
        prompts.get("p")
    with pytest.raises(NotFoundError):
        prompts.get("absent")
    prompts.get("absent", fallback="mine")
    assert meters.nonzero("served", SOURCE) == {("network",): 1, ("memory",): 2, ("fallback",): 1}
    assert meters.nonzero("missed") == {(): 3}
    assert meters.nonzero("request.count", ERROR_TYPE) == {(None,): 2}
    assert meters.nonzero("request.duration")[()] > 0
    assert meters.nonzero("request.within", WITHIN)[("+Inf",)] == 2
    assert meters.nonzero("cache.items") == {(): 1}
    assert meters.nonzero("cache.usage")[()] > 0


def test_the_durations_of_requests_add_up_as_percentiles_need_it(
    server: PromptServer, prompts: Prompts, meters: Meters
) -> None:
    for took_s in (0.01, 0.06, 0.3, 60.0):
        prompts._counters.requested(took_s, ok=True)
    assert meters.nonzero("request.within", WITHIN) == {
        ("0.05",): 1,
        ("0.1",): 2,
        ("0.25",): 2,
        **dict.fromkeys((("0.5",), ("1",), ("2.5",), ("5",)), 3),
        ("+Inf",): 4,
    }


def test_a_server_that_fails_shows(server: PromptServer, prompts: Prompts, meters: Meters) -> None:
    server.trouble = reply(500)
    for number in range(5):
        prompts.get(f"p{number}", fallback="mine")
    assert meters.nonzero("request.count", ERROR_TYPE) == {("failed",): 5}
    assert meters.nonzero("breaker.status", STORE, STATE) == {("api", "open"): 1, ("disk", "closed"): 1}


def test_a_store_that_fails_shows(server: PromptServer, meters: Meters, tmp_path: Path) -> None:
    server.publish("p", "x")
    (tmp_path / "file").touch()
    prompts = Prompts.from_settings(
        load({}, **KEYS, base_url=server.url, prompt_cache_directory=str(tmp_path / "file"))
    )
    observe_prompts(prompts, meters.provider)
    prompts.get("p")
    assert meters.nonzero("store.failed", STORE) == {("disk",): 1}
    assert meters.nonzero("breaker.status", STORE, STATE) == {("api", "closed"): 1, ("disk", "open"): 1}
    prompts.close()


@pytest.mark.parametrize("is_on", [True, False])
def test_the_client_of_the_process_shows_itself_unless_told_not_to(
    server: PromptServer, is_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Prompts] = []
    monkeypatch.setattr("langfuse_otel.prompt_telemetry.observe_prompts", shown.append)
    made = langfuse_otel.prompts(**KEYS, base_url=server.url, exporter_metrics=is_on)
    assert shown == ([made] if is_on else [])
    assert langfuse_otel.prompts(**KEYS, base_url=server.url) is made
    assert len(shown) == is_on

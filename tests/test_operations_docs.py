"""The pages, alert rules and dashboard of ``docs/operations`` name only what there is."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
import yaml
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry

from langfuse_otel.cli.main import COMMANDS
from langfuse_otel.delivery.status import LOSSES, State
from langfuse_otel.delivery.traffic import FAILURES
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.http import HttpClient
from langfuse_otel.prompt_telemetry import observe_prompts
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.resilience.breaker import BreakerState
from langfuse_otel.settings import SETTINGS
from langfuse_otel.tally import Cause
from langfuse_otel.telemetry import observe
from support.memory_store import MemoryStore

FOLDER = Path(__file__).parents[1] / "docs" / "operations"
PAGES = sorted(FOLDER.glob("*.md"))
ALERTS = yaml.safe_load((FOLDER / "alerts.yml").read_text())
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
GIVEN_BY_PROMETHEUS = {"job", "instance"}
OTHER_NAMES = {"error_type", "langfuse_otel"}  # Prometheus's spelling, and the meter
ABOUT_OTHERS_TOO = {"processes.md", "serverless.md"}  # whose names are not ours to know
METRIC = re.compile(r"\b(?:otel|langfuse)_\w+")


def series() -> dict[str, dict[str, set[str]]]:
    """Our metrics as Prometheus spells them → their labels → the values that these can have."""
    registry = CollectorRegistry()
    provider = MeterProvider([PrometheusMetricReader(registry=registry)], shutdown_on_exit=False)
    exporter = LangfuseSpanExporter(tracing_enabled=False)
    observe(exporter, provider)
    nowhere = PromptApi(HttpClient("http://127.0.0.1:9", "pk", "sk"))
    prompts = Prompts(nowhere, stores=[MemoryStore()])
    observe_prompts(prompts, provider)
    found: dict[str, dict[str, set[str]]] = {}
    for family in registry.collect():
        for sample in family.samples:
            if sample.name != "target_info":
                labels = found.setdefault(sample.name, {})
                for label, value in sample.labels.items():
                    labels.setdefault(label, set()).add(value)
    provider.shutdown()
    return found


SERIES = series()
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [
    *((rule["alert"], rule["expr"]) for rule in RULES),
    *((panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]),
    *((variable["name"], variable["query"]) for variable in DASHBOARD["templating"]["list"][1:]),
]


@pytest.mark.parametrize(("where", "query"), QUERIES, ids=[where for where, _ in QUERIES])
def test_a_query_names_metrics_labels_and_values_that_there_are(where: str, query: str) -> None:
    by = {label.strip() for group in re.findall(r"\bby \((.*?)\)", query) for label in group.split(",")}
    without_by = re.sub(r"\bby \(.*?\)", "", query)
    metrics = set(METRIC.findall(re.sub(r"\{.*?\}", "", without_by)))

    assert metrics
    for metric in metrics:
        assert metric in SERIES, f"{where}: no metric {metric}"
        assert by <= {*SERIES[metric], *GIVEN_BY_PROMETHEUS}, f"{where}: {metric} has not all of {by}"
    for metric, selector in re.findall(r"(\w+)\{(.*?)\}", without_by):
        for label, either in re.findall(r'(\w+)(?:=~|!=|=)"(.*?)"', selector):
            if label not in GIVEN_BY_PROMETHEUS:
                for value in either.split("|"):
                    assert value in SERIES[metric][label], f"{where}: {metric} is never {label}={value!r}"


def test_the_dashboard_shows_every_metric() -> None:
    shown = {name for _, query in QUERIES for name in METRIC.findall(re.sub(r"\{.*?\}", "", query))}

    assert set(SERIES) <= shown


def test_every_alert_says_how_bad_it_is_and_what_happened() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert rule["annotations"]["summary"]
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("cause", [*LOSSES, Cause.MEDIA_LOST])
def test_every_loss_raises_an_alert(cause: Cause) -> None:
    watched = {(metric, selector) for rule in RULES for metric, selector in re.findall(r"(\w+)\{(.*?)\}", rule["expr"])}
    counted_in = {metric for metric, labels in SERIES.items() if cause.value in labels.get("error_type", ())}

    assert any(
        metric in counted_in and ('error_type!=""' in selector or f'error_type="{cause.value}"' in selector)
        for metric, selector in watched
    )


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24


ENVIRONMENT = {variable: setting for setting in SETTINGS for variable in (setting.env, *setting.also)}
ARGUMENTS = {setting.name: setting for setting in SETTINGS}
VALUES = {each.value for kind in (Cause, State, BreakerState) for each in kind} | set(FAILURES)
CHOICES = {choice for setting in SETTINGS for choice in re.findall("`([a-z_]+)`", setting.help)}
CALLBACKS = set(inspect.signature(LangfuseSpanExporter).parameters)
KNOWN_NAMES = {*ARGUMENTS, *VALUES, *CHOICES, *CALLBACKS, *SERIES, *OTHER_NAMES}
OTHERS_VARIABLES = {"LANGFUSE_ENV_FILE"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_variables_that_there_are_with_values_that_they_take(page: Path) -> None:
    for variable, value in re.findall(r"\b((?:OTEL_EXPORTER_)?LANGFUSE_[A-Z_]+)(?:=([^\s`]+))?", page.read_text()):
        assert variable in ENVIRONMENT or variable in OTHERS_VARIABLES
        if value and variable in ENVIRONMENT:
            ENVIRONMENT[variable].parse(value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_settings_and_causes_that_there_are(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for name, value in re.findall(r'`([a-z]+(?:_[a-z]+)+)(?:=\"?([^\s`"]+)\"?)?`', prose):
        if value:
            assert name in ARGUMENTS, f"{name} is no setting"
            ARGUMENTS[name].parse(value)
        elif page.name not in ABOUT_OTHERS_TOO:
            assert name in KNOWN_NAMES, f"what is {name}?"


def test_every_loss_is_in_the_guarantees() -> None:
    named = set(re.findall("`([a-z_]+)`", (FOLDER / "guarantees.md").read_text()))

    assert {cause.value for cause in (*LOSSES, Cause.MEDIA_LOST)} <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_calls_commands_that_there_are(page: Path) -> None:
    for command in re.findall(r"(?:`|\$ |^)langfuse-otel ([a-z]+)", page.read_text(), re.MULTILINE):
        assert command in COMMANDS

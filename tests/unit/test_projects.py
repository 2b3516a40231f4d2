"""Several projects from one process: no span in the wrong one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from langfuse_otel.context import propagate_attributes
from langfuse_otel.exporter import LangfuseSpanExporter
from langfuse_otel.processor import LangfuseSpanProcessor
from langfuse_otel.server.run import LocalServer
from support.langfuse_api import LangfuseApi


class Projects:
    """Two projects of two servers, both fed by one provider; spans that name none go to the first."""

    def __init__(self, first: LocalServer, second: LocalServer) -> None:
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.tracer = self.provider.get_tracer("app")
        self.first, self.second = (self._project(first, False), self._project(second, True))

    def _project(self, server: LocalServer, only_own: bool) -> LangfuseApi:
        keys = {"base_url": server.base_url, "public_key": server.public_key, "secret_key": server.secret_key}
        exporter = LangfuseSpanExporter(**keys, only_own_spans=only_own)
        self.provider.add_span_processor(LangfuseSpanProcessor(exporter))
        return LangfuseApi(**keys)

    def names(self) -> tuple[set[str], set[str]]:
        assert self.provider.force_flush()
        first, second = ({row["name"] for row in api.observations()} for api in (self.first, self.second))
        return first, second


@pytest.fixture
def projects() -> Iterator[Projects]:
    with LocalServer() as first, LocalServer() as second:
        both = Projects(first, second)
        yield both
        both.provider.shutdown()


def test_spans_go_to_the_project_that_they_name_and_else_to_the_default(projects: Projects) -> None:
    projects.tracer.start_span("unnamed").end()
    with propagate_attributes(public_key=projects.second.public_key), projects.tracer.start_as_current_span("theirs"):
        projects.tracer.start_span("their child").end()
    with propagate_attributes(public_key=projects.first.public_key):
        projects.tracer.start_span("ours").end()
    assert projects.names() == ({"unnamed", "ours"}, {"theirs", "their child"})


def test_a_project_that_nobody_sends_to_gets_nothing_and_nobody_else_does(projects: Projects) -> None:
    with propagate_attributes(public_key="pk-lf-elsewhere"):
        projects.tracer.start_span("lost").end()
    assert projects.names() == (set(), set())


def test_spans_of_langfuse_s_sdk_keep_to_their_client_s_project(projects: Projects) -> None:
    def client(public_key: str) -> trace.Tracer:
        return projects.provider.get_tracer("langfuse-sdk", "5.0.4", attributes={"public_key": public_key})

    client(projects.first.public_key).start_span("first client").end()
    client(projects.second.public_key).start_span("second client").end()
    assert projects.names() == ({"first client"}, {"second client"})


def test_the_key_does_not_travel_to_other_services(projects: Projects) -> None:
    from opentelemetry import baggage

    with propagate_attributes(public_key=projects.second.public_key, user_id="u", as_baggage=True):
        assert dict(baggage.get_all()) == {"langfuse_user_id": "u"}

"""What ``doctor`` says of OpenTelemetry's own variables."""

from __future__ import annotations

import pytest

from langfuse_otel.cli.doctor.finding import Finding, Outcome
from langfuse_otel.cli.doctor.variables import check


def findings(**env: str) -> dict[str, Finding]:
    return {finding.name: finding for finding in check(env)}


def test_nothing_set_is_well() -> None:
    found = findings()
    assert set(found) == {"OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"}
    assert all(finding.outcome is Outcome.OK for finding in found.values())


class TestExporters:
    def test_one_that_is_not_installed_is_a_fault_because_it_ends_the_whole_set_up(self) -> None:
        found = findings(OTEL_TRACES_EXPORTER="langfuse", OTEL_METRICS_EXPORTER="no-such")
        assert found["OTEL_TRACES_EXPORTER"].outcome is Outcome.OK
        assert found["OTEL_METRICS_EXPORTER"].outcome is Outcome.FAULT
        assert found["OTEL_METRICS_EXPORTER"].fix.startswith("Set OTEL_METRICS_EXPORTER=none")

    def test_traces_for_somebody_else_are_noted(self) -> None:
        found = findings(OTEL_TRACES_EXPORTER="console")["OTEL_TRACES_EXPORTER"]
        assert found.outcome is Outcome.NOTE
        assert found.fix == "Set OTEL_TRACES_EXPORTER=console,langfuse"

    def test_otlp_is_the_one_that_the_protocol_says(self) -> None:
        """The tests install the exporter for HTTP, and OpenTelemetry's default is gRPC."""
        both = {"OTEL_TRACES_EXPORTER": "otlp,langfuse"}
        missing = findings(**both)["OTEL_TRACES_EXPORTER"]
        assert missing.outcome is Outcome.FAULT
        assert "`otlp` stands for otlp_proto_grpc; OTEL_EXPORTER_OTLP_PROTOCOL chooses" in missing.fix
        for variable in ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"):
            there = findings(**both, **{variable: "http/protobuf"})["OTEL_TRACES_EXPORTER"]
            assert there.outcome is Outcome.OK

    def test_a_declarative_file_leaves_them_without_a_say(self) -> None:
        assert findings(OTEL_CONFIG_FILE="otel.yaml", OTEL_TRACES_EXPORTER="no-such") == {}


class TestPropagators:
    def test_one_that_is_not_installed_is_a_fault_because_nothing_can_be_imported_then(self) -> None:
        found = findings(OTEL_PROPAGATORS="tracecontext,nope")["OTEL_PROPAGATORS"]
        assert found.outcome is Outcome.FAULT
        assert "nope" in found.detail
        assert "Unset OTEL_PROPAGATORS" in found.fix

    def test_those_that_are_installed_are_well(self) -> None:
        for names in ("tracecontext, baggage", "none"):
            assert findings(OTEL_PROPAGATORS=names)["OTEL_PROPAGATORS"].outcome is Outcome.OK


class TestSampler:
    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("always_off", "no trace reaches us"),
            ("parentbased_always_off", "no trace reaches us"),
            ("traceidratio", "traceidratio 0.1: only some"),
            ("no-such", "not installed"),
        ],
    )
    def test_one_that_leaves_traces_out_is_noted(self, name: str, said: str) -> None:
        found = findings(OTEL_TRACES_SAMPLER=name, OTEL_TRACES_SAMPLER_ARG="0.1")["OTEL_TRACES_SAMPLER"]
        assert found.outcome is Outcome.NOTE
        assert said in found.detail
        assert "Unset OTEL_TRACES_SAMPLER" in found.fix

    def test_one_that_takes_them_all_is_well(self) -> None:
        found = findings(OTEL_TRACES_SAMPLER="parentbased_always_on")
        assert found["OTEL_TRACES_SAMPLER"].outcome is Outcome.OK


@pytest.mark.parametrize("variable", ["OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"])
def test_a_limit_that_cuts_messages_is_noted(variable: str) -> None:
    found = findings(**{variable: "100"})[variable]
    assert found.outcome is Outcome.NOTE
    assert "100" in found.detail
    assert variable in found.fix

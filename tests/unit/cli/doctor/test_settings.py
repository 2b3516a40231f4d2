"""What ``doctor`` says of settings."""

from __future__ import annotations

from pathlib import Path

from langfuse_otel.cli.doctor.finding import Finding, Outcome
from langfuse_otel.cli.doctor.settings import check

KEYS = {"LANGFUSE_PUBLIC_KEY": "pk-lf-0123", "LANGFUSE_SECRET_KEY": "sk-lf-0123456789abcdef"}


def findings(**env: str) -> dict[str, Finding]:
    return {finding.name: finding for finding in check(env)}


def test_each_setting_is_shown_with_where_it_comes_from() -> None:
    found = findings(**KEYS, LANGFUSE_HOST="http://localhost:3000")
    assert found["base_url"].detail == "http://localhost:3000 (from LANGFUSE_HOST)"
    assert found["keys"].outcome is Outcome.OK


def test_of_a_secret_only_the_end_is_shown() -> None:
    headers = {"OTEL_EXPORTER_LANGFUSE_HEADERS": "x-team=green-hush"}
    found = findings(**KEYS, **headers)
    assert found["secret_key"].detail == "sk-lf-…cdef (from LANGFUSE_SECRET_KEY)"
    assert found["headers"].detail.startswith("x-team=***")
    assert "0123456789" not in str(found)
    assert "hush" not in str(found)


def test_of_a_short_secret_nothing_is_shown() -> None:
    found = findings(LANGFUSE_PUBLIC_KEY="pk-lf-0123", LANGFUSE_SECRET_KEY="hushhush")
    assert found["secret_key"].detail == "*** (from LANGFUSE_SECRET_KEY)"


def test_every_malformed_value_is_a_fault_not_only_the_first() -> None:
    found = findings(**KEYS, LANGFUSE_TIMEOUT="soon", LANGFUSE_SAMPLE_RATE="7", LANGFUSE_BASE_URL="localhost")
    faults = {name: finding for name, finding in found.items() if finding.outcome is Outcome.FAULT}
    assert set(faults) == {"LANGFUSE_TIMEOUT", "LANGFUSE_SAMPLE_RATE", "LANGFUSE_BASE_URL"}
    assert all(finding.fix for finding in faults.values())


def test_a_malformed_value_in_a_file_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "langfuse.env"
    file.write_text("LANGFUSE_RELEASE=v1\nLANGFUSE_TIMEOUT=soon\n")
    assert findings(**KEYS, LANGFUSE_ENV_FILE=str(file))["LANGFUSE_TIMEOUT"].outcome is Outcome.FAULT


def test_values_of_a_file_are_shown_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "langfuse.env"
    file.write_text("LANGFUSE_RELEASE=v1\n")
    found = findings(**KEYS, LANGFUSE_ENV_FILE=str(file))
    assert found["release"].detail == f"v1 (from LANGFUSE_RELEASE in {file})"


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    found = findings(LANGFUSE_ENV_FILE=str(tmp_path / "gone.env"))
    assert found["LANGFUSE_ENV_FILE"].outcome is Outcome.FAULT


def test_half_a_pair_of_keys_is_a_fault() -> None:
    found = findings(LANGFUSE_PUBLIC_KEY="pk-lf-0123")
    assert found["keys"].outcome is Outcome.FAULT
    assert "LANGFUSE_SECRET_KEY" in found["keys"].detail


def test_what_is_turned_off_is_noted() -> None:
    switches = {"LANGFUSE_TRACING_ENABLED": "false", "LANGFUSE_SAMPLE_RATE": "0", "OTEL_SDK_DISABLED": "true"}
    found = findings(**KEYS, **switches)
    for name in ("tracing", "sampling", "OpenTelemetry"):
        assert found[name].outcome is Outcome.NOTE


def test_missing_keys_are_named_beside_another_malformed_setting() -> None:
    found = findings(LANGFUSE_PUBLIC_KEY="pk-lf-0123", LANGFUSE_TIMEOUT="soon")
    assert {name for name, finding in found.items() if finding.outcome is Outcome.FAULT} == {"LANGFUSE_TIMEOUT", "keys"}


def test_keys_that_are_swapped_are_a_fault_and_not_shown() -> None:
    found = findings(LANGFUSE_PUBLIC_KEY="sk-lf-0123456789abcdef", LANGFUSE_SECRET_KEY="pk-lf-0123456789abcdef")
    assert found["keys"].outcome is Outcome.FAULT
    assert "exchange" in found["keys"].fix
    assert "0123456789" not in str(found)

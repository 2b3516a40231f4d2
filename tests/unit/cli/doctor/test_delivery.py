"""What ``doctor`` says of delivery."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from langfuse_otel.cli.doctor import delivery
from langfuse_otel.cli.doctor.delivery import check
from langfuse_otel.cli.doctor.finding import Finding, Outcome

KEYS = {"LANGFUSE_PUBLIC_KEY": "pk-lf-0123", "LANGFUSE_SECRET_KEY": "sk-lf-0123456789abcdef"}
PREFIX = "OTEL_EXPORTER_LANGFUSE_"


def findings(**env: str) -> dict[str, Finding]:
    return {finding.name: finding for finding in check(env)}


def with_spool(directory: Path, **env: str) -> Finding:
    spool = {f"{PREFIX}DELIVERY": "at_least_once", f"{PREFIX}SPOOL_DIRECTORY": str(directory)}
    return findings(**{**KEYS, **spool, **env})["spool"]


def test_best_effort_has_no_spool_and_says_how_much_may_wait() -> None:
    found = findings(**KEYS, OTEL_EXPORTER_LANGFUSE_MAX_QUEUE_SPANS="1234")
    assert found["mode"].detail.startswith("best_effort: up to 1,234 spans or 64 MiB")
    assert "spool" not in found
    assert {finding.outcome for finding in found.values()} == {Outcome.OK}


def test_a_spool_that_can_be_used_is_well_and_private(tmp_path: Path) -> None:
    found = with_spool(tmp_path / "spool", OTEL_EXPORTER_LANGFUSE_MAX_SPOOL_BYTES="2097152")
    assert found.outcome is Outcome.OK
    assert found.detail.startswith(f"{tmp_path / 'spool'} can be used; fsync interval")
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700


def test_trying_it_leaves_no_file_behind(tmp_path: Path) -> None:
    with_spool(tmp_path / "spool")
    assert not [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]


def test_a_directory_that_others_can_write_to_is_a_fault(tmp_path: Path) -> None:
    tmp_path.joinpath("spool").mkdir()
    tmp_path.joinpath("spool").chmod(0o777)
    found = with_spool(tmp_path / "spool")
    assert found.outcome is Outcome.FAULT
    assert "writable for others" in found.detail
    assert f"{PREFIX}SPOOL_DIRECTORY" in found.fix


def test_a_directory_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    tmp_path.joinpath("file").touch()
    assert with_spool(tmp_path / "file" / "spool").outcome is Outcome.FAULT


def test_a_disk_with_less_room_than_the_spool_may_take_is_noted(tmp_path: Path) -> None:
    found = with_spool(tmp_path / "spool", OTEL_EXPORTER_LANGFUSE_MAX_SPOOL_BYTES=str(1 << 60))
    assert found.outcome is Outcome.NOTE
    assert "are free" in found.detail


def test_without_a_public_key_no_spool_is_made(tmp_path: Path) -> None:
    found = with_spool(tmp_path / "spool", LANGFUSE_PUBLIC_KEY="")
    assert found.outcome is Outcome.NOTE
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize("policy", delivery._FSYNC)
def test_what_a_power_cut_takes_is_said(policy: str, tmp_path: Path) -> None:
    found = with_spool(tmp_path / "spool", OTEL_EXPORTER_LANGFUSE_SPOOL_FSYNC=policy)
    assert f"fsync {policy}: a power cut takes" in found.detail


def test_backpressure_and_breaker_are_shown() -> None:
    found = findings(
        OTEL_EXPORTER_LANGFUSE_BACKPRESSURE="block",
        OTEL_EXPORTER_LANGFUSE_BLOCK_TIMEOUT="0.25",
        OTEL_EXPORTER_LANGFUSE_BREAKER_FAILURES="7",
    )
    assert "block when the queue" in found["backpressure"].detail
    assert "80% until below 50%" in found["backpressure"].detail
    assert "0.25 s" in found["backpressure"].detail
    assert "after 7 failed requests" in found["breaker"].detail


def test_marks_in_the_wrong_order_are_noted() -> None:
    found = findings(OTEL_EXPORTER_LANGFUSE_PRESSURE_LOW="0.9")
    assert found["backpressure"].outcome is Outcome.NOTE


def test_a_malformed_setting_leaves_it_to_the_settings_group() -> None:
    (found,) = findings(LANGFUSE_TIMEOUT="soon").values()
    assert found.outcome is Outcome.NOTE

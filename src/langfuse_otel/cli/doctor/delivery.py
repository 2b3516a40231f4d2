"""Delivery: where spans wait, whether they can wait there, what gives way, when the server is left in peace."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from langfuse_otel.cli.doctor.finding import Finding, fault, note, ok
from langfuse_otel.delivery.assembly import spool_project
from langfuse_otel.delivery.spool.directory import prepare
from langfuse_otel.delivery.spool.error import SpoolError
from langfuse_otel.errors import SettingsError
from langfuse_otel.settings import Settings, load

_FSYNC = {
    "always": "a power cut takes nothing",
    "interval": "a power cut takes the last half second",
    "off": "a power cut takes what the system had not written, some 30 s",
}
_FIX_DIRECTORY = (
    "Name a directory on a disk of this machine that is this user's alone: OTEL_EXPORTER_LANGFUSE_SPOOL_DIRECTORY"
)


def check(env: Mapping[str, str]) -> Iterator[Finding]:
    """Mode, spool, backpressure, breaker."""
    try:
        settings = load(env)
    except SettingsError:
        yield note("delivery", "not looked at, because a setting is malformed")
        return
    memory = f"{settings.max_queue_spans:,} spans or {_mib(settings.max_queue_bytes)}"
    if settings.delivery == "best_effort":
        yield ok("mode", f"best_effort: up to {memory} wait in memory, and end with the process")
    else:
        yield ok("mode", f"at_least_once: spans wait on disk, and up to {memory} in memory while the disk fails")
        yield _spool(settings)
    yield _backpressure(settings)
    yield ok(
        "breaker",
        f"opens for {settings.breaker_open_s:g} s after {settings.breaker_failures} failed requests in a row, "
        f"closes after {settings.breaker_successes} that succeed",
    )


def _spool(settings: Settings) -> Finding:
    try:
        directory = settings.spool_path.absolute()
    except SettingsError as error:
        return fault("spool", f"{error.variable} {error.problem}", error.fix)
    if settings.public_key is None:
        return note("spool", f"{directory}: not tried, because there is no public key")
    try:
        project = prepare(directory, spool_project(settings))
        with tempfile.TemporaryFile(dir=project) as file:
            file.write(b"langfuse-otel doctor")
            file.flush()
        free_bytes = shutil.disk_usage(project).free
    except (SpoolError, OSError) as error:
        return fault("spool", f"{directory} cannot be used: {error}", _FIX_DIRECTORY)
    says = f"{directory} can be used; fsync {settings.spool_fsync}: {_FSYNC[settings.spool_fsync]}"
    if free_bytes < settings.max_spool_bytes - _used_bytes(project):
        too_small = f"{says}; but {_mib(free_bytes)} are free, and it may take {_mib(settings.max_spool_bytes)}"
        return note("spool", too_small, "Make room, or lower OTEL_EXPORTER_LANGFUSE_MAX_SPOOL_BYTES")
    return ok("spool", f"{says}; up to {_mib(settings.max_spool_bytes)}, when full {settings.spool_when_full}")


def _backpressure(settings: Settings) -> Finding:
    low, high = settings.pressure_low, settings.pressure_high
    says = f"{settings.backpressure} when the queue in memory fills; pressure from {high:.0%} until below {low:.0%}"
    if settings.backpressure == "block":
        says += f"; the end of a span waits for {settings.block_timeout_s:g} s at most"
    if low > high:
        fix = "Set OTEL_EXPORTER_LANGFUSE_PRESSURE_LOW below OTEL_EXPORTER_LANGFUSE_PRESSURE_HIGH"
        return note("backpressure", f"{says}: the lower mark is above the higher one, which counts for both", fix)
    return ok("backpressure", says)


def _used_bytes(project: Path) -> int:
    return sum(file.stat().st_size for file in project.iterdir() if file.is_file())


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 20):,.0f} MiB"

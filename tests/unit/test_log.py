"""Little is logged, never twice a minute, never with a secret."""

from __future__ import annotations

import logging

import pytest

from langfuse_otel import log
from langfuse_otel.redact import redact


class FakeClock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


def test_one_line_a_minute_and_key_with_the_count_of_the_others() -> None:
    clock = FakeClock()
    limit = log.RateLimit(60, clock)
    assert [limit.admit("a"), limit.admit("a"), limit.admit("b"), limit.admit("a")] == [0, None, 0, None]
    clock.now = 60
    assert limit.admit("a") == 2
    assert limit.admit("a") is None


def test_memory_for_keys_is_bounded() -> None:
    limit = log.RateLimit(60, FakeClock())
    for n in range(5_000):
        limit.admit(str(n))
    assert len(limit._last) <= 1_000


def test_once_is_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "langfuse_otel"):
        for _ in range(3):
            log.once(logging.INFO, "test-once", "said %s", "so")
    assert [record.getMessage() for record in caplog.records] == ["said so"]


def test_a_broken_argument_does_not_raise(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "langfuse_otel"):
        log.limited(logging.INFO, "test-broken", "number %d", "x")
    assert "not formatted" in caplog.text


@pytest.mark.parametrize(
    "secret",
    [
        "sk-lf-12345678-abcd",
        "sk-proj-abcdefghijklmnop",
        "sk-ant-abcdefghijklmnop",
        "ghp_abcdefghijklmnopqrst",
        "AKIAABCDEFGHIJKLMNOP",
        "Basic cGstbGYtMTpzay1sZi0x",
        "Bearer abcdefgh.ijklmnop",
        "https://user:hunter22@example.com/x",
        "secret_key=hunter2222",
        'api_key: "hunter2222"',
    ],
)
def test_secrets_are_masked(secret: str) -> None:
    masked = redact(f"before {secret} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "***" in masked
    assert not any(part in masked for part in ("hunter2", "12345678", "abcdefgh", "ABCDEFGH", "cGstbGYt"))


def test_ordinary_text_stays() -> None:
    text = "POST https://cloud.langfuse.com/api: 429, pk-lf-1, task-list, risk-averse"
    assert redact(text) == text

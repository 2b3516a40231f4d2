"""An observation is encoded come what may."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from langfuse_otel.json_encoding import to_json
from langfuse_otel.observation import Observation
from langfuse_otel.wire.fit import encode_to_fit

MAX_BYTES = 1_000


class Encoding:
    """Writes input and metadata as JSON, and counts."""

    def __init__(self) -> None:
        self.attempts = self.truncated = 0

    def __call__(self, observation: Observation) -> bytes:
        self.attempts += 1
        return to_json([observation.input, observation.metadata])

    def on_truncated(self) -> None:
        self.truncated += 1

    def of(self, observation: Observation) -> bytes:
        return encode_to_fit(observation, self, MAX_BYTES, self.on_truncated)


@pytest.fixture
def encoding() -> Encoding:
    return Encoding()


def test_what_fits_is_written_once_as_it_is(encoding: Encoding, observation: Callable[..., Observation]) -> None:
    assert encoding.of(observation(input="Hi")) == b'["Hi",{}]'
    assert (encoding.attempts, encoding.truncated) == (1, 0)


def test_what_cannot_be_encoded_is_repaired(encoding: Encoding, observation: Callable[..., Observation]) -> None:
    assert encoding.of(observation(input="\ud800")) == rb'["\\ud800",{}]'
    assert (encoding.attempts, encoding.truncated) == (2, 0)


def test_what_is_too_long_is_cut_and_told(encoding: Encoding, observation: Callable[..., Observation]) -> None:
    encoded = encoding.of(observation(input="x" * 5_000))
    assert len(encoded) <= MAX_BYTES
    assert b"truncated" in encoded
    assert encoding.truncated == 1


def test_what_was_repaired_is_cut_as_well(encoding: Encoding, observation: Callable[..., Observation]) -> None:
    encoded = encoding.of(observation(input="\ud800" * 5_000))
    assert len(encoded) <= MAX_BYTES
    assert rb"\\ud800" in encoded
    assert encoding.truncated == 1

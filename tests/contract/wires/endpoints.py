"""Each wire, together with a strict reader of what it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from contract.wires import ingestion_schema, otlp_reader
from langfuse_otel.wire.ingestion import IngestionWire
from langfuse_otel.wire.otlp import OtlpWire


@dataclass(frozen=True)
class Endpoint:
    """A wire, and a strict reader of its requests that counts the observations in them."""

    wire: OtlpWire | IngestionWire
    observations: Callable[[bytes], int]


def _otlp_observations(request: bytes) -> int:
    found = otlp_reader.spans(request)
    for span in found:
        keys = otlp_reader.attributes(span)
        assert all(key.startswith("langfuse.") or key in ("user.id", "session.id") for key in keys), keys
    return len(found)


def _ingestion_observations(request: bytes) -> int:
    batch = ingestion_schema.parse(request).batch
    assert len({event.id for event in batch}) == len(batch)
    return sum(not isinstance(event, ingestion_schema.TraceCreate) for event in batch)


ENDPOINTS = [Endpoint(OtlpWire(), _otlp_observations), Endpoint(IngestionWire(), _ingestion_observations)]
each_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.wire.name)

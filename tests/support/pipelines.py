"""Pipelines without a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from langfuse_otel.delivery.assembly import assemble
from langfuse_otel.delivery.pipeline import Pipeline
from langfuse_otel.settings import load
from support.transports import ScriptedTransport, observe


@contextmanager
def pipeline(transport: ScriptedTransport, **settings: object) -> Iterator[Pipeline]:
    """One that keeps spans in memory, and is abandoned at the end."""
    made = assemble(transport, observe, load({}, **settings))
    yield made
    made.abandon()

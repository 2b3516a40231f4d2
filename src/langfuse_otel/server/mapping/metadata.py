"""Metadata: what was said as such, and every attribute that no field took (langfuse-api.md, section 3.9)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from langfuse_otel.server.mapping.values import json_object, text
from langfuse_otel.server.otlp_spans import Attributes, Span

_DOMAINS = ("langfuse.observation.metadata", "langfuse.trace.metadata", "langfuse.metadata")


def metadata(span: Span, used: Collection[str]) -> dict[str, Any]:
    """Of an observation. ``used`` are the attributes of its input and output."""
    source = span.source
    found: dict[str, Any] = {}
    if not source.scope_name.startswith("langfuse-sdk"):
        rest = {
            name: text(value)
            for name, value in span.attributes.items()
            if name not in used and not name.startswith(_DOMAINS)
        }
        if rest:
            found["attributes"] = rest
    if source.resource:
        found["resourceAttributes"] = source.resource
    if source.scope_name:
        found["scope"] = {"name": source.scope_name, "version": source.scope_version, "attributes": source.scope}
    for domain in _DOMAINS:
        found.update(_said(span.attributes, domain))
    return found


def _said(attributes: Attributes, domain: str) -> dict[str, Any]:
    prefix = f"{domain}."
    keys = {name[len(prefix) :]: value for name, value in attributes.items() if name.startswith(prefix)}
    return {**(json_object(attributes.get(domain)) or {}), **keys}

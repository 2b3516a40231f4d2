"""Which attributes leave the process: an allow list and a deny list of their keys."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from opentelemetry.sdk.resources import Resource

from langfuse_otel.identity_cache import IdentityCache
from langfuse_otel.observation import Observation
from langfuse_otel.policy.keys import matcher
from langfuse_otel.policy.metadata import kept

# Not attributes: what the exporter itself says about a span.
_is_ours = matcher(("langfuse_otel.*", "provider", "otel.events", "otel.links", "otel.*_time_unix_nano"))


class AttributeFilter:
    """Leaves out attributes by their keys. In a pattern, ``*`` stands for any characters.

    It is about the attributes of spans that became metadata by their own key, and those of span events and links. An
    attribute that became a field of Langfuse (a model, an input, a user) is none any more: content is for `capture` and
    `mask`. Metadata that a program gave by ``langfuse.observation.metadata.<key>`` count by ``<key>``.

    Attributes of the resource are only denied, since an allow list of what spans may say would leave it empty.

    Args:
        allow: Only keys that match one of these stay; with none, all do.
        deny: Keys that match one of these go, allowed or not.
    """

    def __init__(self, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> None:
        allow = tuple(allow)
        allowed = matcher(allow) if allow else _any
        self._denied = denied = matcher(deny)
        self._keeps = lambda key: _is_ours(key) or (allowed(key) and not denied(key))
        self._resources = IdentityCache(self._resource)

    def __call__(self, observation: Observation) -> Observation:
        """The observation with the wanted attributes only."""
        metadata = kept(observation.metadata, self._keeps)
        resource = self._resources.of(observation.resource)
        if metadata is observation.metadata and resource is observation.resource:
            return observation
        return msgspec.structs.replace(observation, metadata=metadata, resource=resource)

    def _resource(self, resource: Resource) -> Resource:
        attributes = {key: value for key, value in resource.attributes.items() if not self._denied(key)}
        if len(attributes) == len(resource.attributes):
            return resource
        return Resource(attributes, resource.schema_url)


def _any(key: str) -> bool:
    return True

"""Who answers a client's requests: the platform, by the client's class, and the address of its base URL."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from langfuse_otel.instrumentation import Server

_BEDROCK, _VERTEX = "aws.bedrock", "gcp.vertex_ai"
_PLATFORMS = {"BaseBedrockClient": _BEDROCK, "BaseMantleClient": _BEDROCK, "BaseVertexClient": _VERTEX}


def server_of(resource: Any) -> Server:
    """The server of a resource such as ``client.messages``."""
    kind: type = type(resource._client)
    return Server.at(_provider(kind), str(resource._client.base_url))


@lru_cache(maxsize=64)
def _provider(client: type) -> str:
    return next((_PLATFORMS[base.__name__] for base in client.__mro__ if base.__name__ in _PLATFORMS), "anthropic")

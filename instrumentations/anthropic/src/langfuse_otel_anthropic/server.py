"""Who answers a client's requests: the platform, by the client's class, and the address of its base URL."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Server
from langfuse_otel.instrumentation.servers import by_base_url

_BEDROCK, _VERTEX = "aws.bedrock", "gcp.vertex_ai"
_PLATFORMS = {"BaseBedrockClient": _BEDROCK, "BaseMantleClient": _BEDROCK, "BaseVertexClient": _VERTEX}


def server_of(resource: Any) -> Server:
    """The server of a resource such as ``client.messages``."""
    return _server_of(resource._client)


def _server(client: type, base_url: str) -> Server:
    bases = (base.__name__ for base in client.__mro__)
    return Server.at(next((_PLATFORMS[base] for base in bases if base in _PLATFORMS), "anthropic"), base_url)


_server_of = by_base_url(_server)

"""Who answers a client's requests: provider, address and port from its base URL."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Server
from langfuse_otel.instrumentation.providers import provider_at
from langfuse_otel.instrumentation.servers import by_base_url


def server_of(resource: Any) -> Server:
    """The server of a resource such as ``client.chat.completions``."""
    return _server_of(resource._client)


def _server(client: type, base_url: str) -> Server:
    # Azure behind a gateway or a private endpoint: only the client's class knows.
    is_azure = any(base.__name__ == "BaseAzureClient" for base in client.__mro__)
    server = Server.at("azure.ai.openai" if is_azure else "openai", base_url)
    provider = provider_at(server.address or "")
    return server if provider is None else Server(provider, server.address, server.port)


_server_of = by_base_url(_server)

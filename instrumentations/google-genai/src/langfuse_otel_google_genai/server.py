"""Who answers a client's requests: Gemini's own API or Vertex AI, and the address of its base URL."""

from __future__ import annotations

from typing import Any

from langfuse_otel.instrumentation import Server
from langfuse_otel.instrumentation.fields import text


def server_of(models: Any) -> Server:
    """The server of a client's ``models``."""
    api = models._api_client
    return Server.at("gcp.vertex_ai" if api.vertexai else "gcp.gemini", text(api._http_options, "base_url") or "")

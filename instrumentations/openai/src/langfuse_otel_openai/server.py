"""Who answers a client's requests: provider, address and port from its base URL."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from langfuse_otel.instrumentation import Server

_DEFAULT_PORTS = {"https": 443, "http": 80}

# Servers that speak OpenAI's protocol, by the end of their host name; names of the conventions where they have one.
_PROVIDERS: tuple[tuple[str, str], ...] = (
    ("api.openai.com", "openai"),
    (".openai.azure.com", "azure.ai.openai"),
    (".cognitiveservices.azure.com", "azure.ai.openai"),
    (".services.ai.azure.com", "azure.ai.inference"),
    (".models.ai.azure.com", "azure.ai.inference"),
    ("api.anthropic.com", "anthropic"),
    (".amazonaws.com", "aws.bedrock"),
    ("generativelanguage.googleapis.com", "gcp.gemini"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("api.cohere.ai", "cohere"),
    ("api.cohere.com", "cohere"),
    ("api.deepseek.com", "deepseek"),
    ("api.groq.com", "groq"),
    ("api.mistral.ai", "mistral_ai"),
    ("api.moonshot.ai", "moonshot_ai"),
    ("api.moonshot.cn", "moonshot_ai"),
    ("api.perplexity.ai", "perplexity"),
    ("api.x.ai", "x_ai"),
    ("api.fireworks.ai", "fireworks"),
    ("api.together.ai", "together_ai"),
    ("api.together.xyz", "together_ai"),
    ("huggingface.co", "hugging_face"),
    ("openrouter.ai", "openrouter"),
)


def server_of(resource: Any) -> Server:
    """The server of a resource such as ``client.chat.completions``."""
    client = resource._client
    kind: type = type(client)
    url = client.base_url
    return _server(kind, url.scheme, url.host, url.port)


@lru_cache(maxsize=256)
def _server(client: type, scheme: str, host: str, port: int | None) -> Server:
    return Server(_provider(client, host), host or None, port or _DEFAULT_PORTS.get(scheme))


def _provider(client: type, host: str) -> str:
    for suffix, provider in _PROVIDERS:
        if host.endswith(suffix):
            return provider
    # Azure behind a gateway or a private endpoint: only the client's class knows.
    is_azure = any(base.__name__ == "BaseAzureClient" for base in client.__mro__)
    return "azure.ai.openai" if is_azure else "openai"

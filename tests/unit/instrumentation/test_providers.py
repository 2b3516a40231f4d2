"""Names of providers."""

from __future__ import annotations

import pytest

from langfuse_otel.instrumentation.providers import provider_at, provider_called


@pytest.mark.parametrize(
    ("host", "provider"),
    [("api.openai.com", "openai"), ("x.openai.azure.com", "azure.ai.openai"), ("llm.example", None)],
)
def test_a_host_tells_the_provider(host: str, provider: str | None) -> None:
    assert provider_at(host) == provider


@pytest.mark.parametrize(
    ("name", "provider"),
    [("AzureChatOpenAI", "azure.ai.openai"), ("mistralai", "mistral_ai"), ("openai", "openai"), (None, "unknown")],
)
def test_the_names_of_frameworks_become_those_of_the_conventions(name: str | None, provider: str) -> None:
    assert provider_called(name) == provider

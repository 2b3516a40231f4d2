"""Providers by the host that answers, for clients that talk to servers of many makers by base URL; and by name."""

from __future__ import annotations

# By the end of the host name; names of the conventions where they have one.
_BY_HOST: tuple[tuple[str, str], ...] = (
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


def provider_at(host: str) -> str | None:
    """Value of ``gen_ai.provider.name`` for a host; None if it is not a known one."""
    return next((provider for suffix, provider in _BY_HOST if host.endswith(suffix)), None)


# By the names that frameworks have for them, where these are others than the conventions'.
_BY_NAME = {
    **dict.fromkeys(("azure", "azure_openai", "azurechatopenai"), "azure.ai.openai"),
    **dict.fromkeys(("google_genai", "googlegenerativeai"), "gcp.gemini"),
    **dict.fromkeys(("google_vertexai", "vertexai", "vertex_ai"), "gcp.vertex_ai"),
    **dict.fromkeys(("amazon_bedrock", "bedrock", "chatbedrockconverse"), "aws.bedrock"),
    **dict.fromkeys(("mistral", "mistralai"), "mistral_ai"),
    "xai": "x_ai",
}


def provider_called(name: str | None) -> str:
    """Value of ``gen_ai.provider.name`` for the name that a framework has; that name if it is not a known one."""
    known_as = (name or "unknown").lower()
    return _BY_NAME.get(known_as, known_as)

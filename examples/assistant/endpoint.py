"""Which model endpoint the assistant uses, from the environment: OpenAI, what speaks its API, or the script.

======================  ==============================================================================================
OPENAI_API_KEY          set: OpenAI, or the server at ``OPENAI_BASE_URL``; neither set: the scripted model
ASSISTANT_MODEL         model for answers; ``gpt-4o-mini`` by default
ASSISTANT_EMBEDDINGS    model for embeddings; ``text-embedding-3-small`` by default; ``scripted-embedding``: by script
ASSISTANT_PREVIEW       ``off``: nobody tries a preview model, for endpoints that answer to any model's name
======================  ==============================================================================================
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from openai import OpenAI
from scripted_model import EMBEDDING_MODELS, ScriptedModel

_SCRIPTED_EMBEDDING = EMBEDDING_MODELS[0]


@dataclass(frozen=True)
class Endpoint:
    """Clients and model names.

    Attributes:
        has_preview: Whether users may try a preview model.
        kind: ``scripted`` or ``model``: no one should take a script for a model.
        description: The same for people.
    """

    client: OpenAI
    model: str
    embeddings_client: OpenAI
    embeddings_model: str
    has_preview: bool
    kind: str
    description: str


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """The endpoint that the environment names; a scripted one lives as long as the block."""
    model = os.environ.get("ASSISTANT_MODEL") or "gpt-4o-mini"
    embeddings = os.environ.get("ASSISTANT_EMBEDDINGS") or "text-embedding-3-small"
    has_preview = os.environ.get("ASSISTANT_PREVIEW") != "off"
    with ScriptedModel() as scripted:
        script = OpenAI(base_url=scripted.base_url, api_key="scripted")
        if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
            client = OpenAI(api_key=os.environ.get("OPENAI_API_KEY") or "none")
            embedder = script if embeddings == _SCRIPTED_EMBEDDING else client
            where = f"{model} at {client.base_url}" + (", embeddings by the script" if embedder is script else "")
            yield Endpoint(client, model, embedder, embeddings, has_preview, "model", where)
        else:
            where = f"SCRIPTED, no language model: {scripted.base_url} answers to the name {model} with quotes"
            yield Endpoint(script, model, script, embeddings, has_preview, "scripted", where)

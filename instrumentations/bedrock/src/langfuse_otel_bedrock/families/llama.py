"""Meta Llama: one prompt in, one generation out."""

from __future__ import annotations

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel_bedrock.families.family import Family, asked, piece

LLAMA = Family(
    request=lambda body: asked(body.get("prompt")),
    content=lambda body: body.get("generation") or "",
    events=lambda chunk: piece(chunk.get("generation")),
    operation=names.TEXT_COMPLETION,
)

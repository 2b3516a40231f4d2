"""Amazon Titan: one text in, one out; and its embeddings."""

from __future__ import annotations

from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation.fields import items
from langfuse_otel_bedrock.families.family import Body, Family, asked, piece


def _content(body: Body) -> str:
    return "".join(result.get("outputText") or "" for result in items(body, "results"))


def _embedding_request(body: Body) -> Body:
    if "inputText" in body:
        return asked(body["inputText"])
    return {"messages": [{"role": "user", "content": [{"image": {"source": {"bytes": body.get("inputImage")}}}]}]}


TITAN = Family(
    request=lambda body: asked(body.get("inputText")),
    content=_content,
    events=lambda chunk: piece(chunk.get("outputText")),
    operation=names.TEXT_COMPLETION,
)
TITAN_EMBEDDINGS = Family(request=_embedding_request, operation=names.EMBEDDINGS)

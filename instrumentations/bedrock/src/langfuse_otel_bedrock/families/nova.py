"""Amazon Nova: the Converse API's own form, in requests, answers and chunks."""

from __future__ import annotations

from langfuse_otel.instrumentation.fields import fields
from langfuse_otel_bedrock.families.family import Body, Family


def _content(body: Body) -> list[Body]:
    return list(fields(fields(body.get("output")).get("message")).get("content") or ())


NOVA = Family(request=lambda body: body, content=_content, events=lambda chunk: (chunk,))

"""Arguments of the methods beside chat completions and the Responses API → attributes and messages."""

from __future__ import annotations

from functools import partial

from langfuse_otel.instrumentation import Arguments, Content
from langfuse_otel.instrumentation import attributes as names
from langfuse_otel.instrumentation import messages as said
from langfuse_otel.instrumentation.fields import texts, whole
from langfuse_otel.instrumentation.parameters import SAMPLING, Parameters, attributes_of

_EMBEDDINGS: Parameters = {
    "dimensions": (names.EMBEDDINGS_DIMENSION_COUNT, whole),
    "encoding_format": (names.REQUEST_ENCODING_FORMATS, texts),
}

embeddings_request = partial(attributes_of, parameters=_EMBEDDINGS)
media_request = partial(attributes_of, parameters=SAMPLING)


def texts_input(arguments: Arguments) -> Content:
    """The prompts of ``completions`` and images, or the texts to embed, as one message; token lists are not shown."""
    given = texts(arguments, "prompt") or texts(arguments, "input")
    return {names.INPUT_MESSAGES: [said.message("user", map(said.text, given))] if given else None}

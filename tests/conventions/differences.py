"""What remains different between instrumentations of one client, and why: ``docs/conventions.md`` shows this table."""

from __future__ import annotations

_TEXT_LOST = "drops the message's text when an image stands beside it"
_NO_MESSAGES = "writes no messages at all when one has an image"
_NO_REASONING = "does not count reasoning tokens"
_NO_FINISH = "does not say beside the message why it ended"
_CHAT_FORM = "writes the message as the client has it, which is the chat format without a finish reason"
_NO_FIRST_TOKEN = "does not say when the first token came"
_ENCODING = "has `encoding_format`, which the client adds"
_AS_GIVEN = "writes Langfuse's own attributes, which are passed on as they are; the image is uploaded already"
_ALL_PARAMETERS = "writes every parameter's default as if it had been asked for"
_SINGULAR = "follows the convention's list of finish reasons, which has `tool_call`"
_NO_STREAM = "does not say that the answer was streamed"
_NO_EMBEDDED_TEXT = "does not record the text that is embedded"
_VECTORS = "records the vectors"
_STREAM_OPTIONS = "has `stream_options` as well"
_IMAGE_KEYS = "writes the request as the client sends it, where images have other keys"
_ATTACHMENT = "keeps the image as an attachment of its own, and writes its address there"
_TEXT_ALONE = "writes the text alone"

EVERYTHING = "everything"
"""Instead of a field: the step makes no span."""

# (corpus, step, field): why it differs
DIFFERENCES: dict[tuple[str, str, str], str] = {
    ("openai-langfuse", "tool call", "input"): _AS_GIVEN,
    ("openai-langfuse", "tool call", "output"): _CHAT_FORM,
    ("openai-langfuse", "tool call", "model_parameters"): _ALL_PARAMETERS,
    ("openai-langfuse", "answer", "input"): _AS_GIVEN,
    ("openai-langfuse", "answer", "output"): _TEXT_ALONE,
    ("openai-langfuse", "answer", "model_parameters"): _ALL_PARAMETERS,
    ("openai-langfuse", "error", "model_parameters"): _ALL_PARAMETERS,
    ("openai-langfuse", "embedding", "input"): _TEXT_ALONE,
    ("openai-langfuse", "embedding", "output"): "writes number and length of the vectors",
    ("openai-langsmith", "tool call", "input"): _IMAGE_KEYS,
    ("openai-langsmith", "answer", "input"): _IMAGE_KEYS,
    ("openai-langsmith", "answer", "model_parameters"): _STREAM_OPTIONS,
    ("openai-langsmith", "answer", "completion"): _NO_FIRST_TOKEN,
    ("openai-langsmith", "embedding", EVERYTHING): "does not wrap embeddings",
    ("openai-logfire", "tool call", "input"): _IMAGE_KEYS,
    ("openai-logfire", "tool call", "output"): _CHAT_FORM,
    ("openai-logfire", "answer", "input"): _IMAGE_KEYS,
    ("openai-logfire", "answer", "output"): _CHAT_FORM,
    ("openai-logfire", "answer", "model"): "knows only the model that was asked for, when it streams",
    ("openai-logfire", "answer", "model_parameters"): _NO_STREAM,
    ("openai-logfire", "answer", "completion"): _NO_FIRST_TOKEN,
    ("openai-logfire", "embedding", "input"): _TEXT_ALONE,
    ("openai-logfire", "embedding", "model_parameters"): _ENCODING,
    ("openai-mlflow", "tool call", "input"): _ATTACHMENT,
    ("openai-mlflow", "answer", "input"): _ATTACHMENT,
    ("openai-mlflow", "answer", "model_parameters"): _STREAM_OPTIONS,
    ("openai-mlflow", "embedding", "input"): _TEXT_ALONE,
    ("openai-mlflow", "embedding", "output"): _VECTORS,
    ("openai-official", "tool call", "output"): _SINGULAR,
    ("openai-official", "embedding", "input"): _NO_EMBEDDED_TEXT,
    ("openai-official-v2", "tool call", "input"): _TEXT_LOST,
    ("openai-official-v2", "answer", "input"): _TEXT_LOST,
    ("openai-official-v2", "answer", "usage"): "counts neither cached nor reasoning tokens",
    ("openai-official-v2", "answer", "completion"): _NO_FIRST_TOKEN,
    ("openai-official-v2", "answer", "model_parameters"): _NO_STREAM,
    ("openai-official-v2", "embedding", "input"): _NO_EMBEDDED_TEXT,
    ("openai-openinference", "tool call", "output"): _NO_FINISH,
    ("openai-openinference", "answer", "output"): _NO_FINISH,
    ("openai-openinference", "answer", "model_parameters"): _STREAM_OPTIONS,
    ("openai-openinference", "embedding", "output"): _VECTORS,
    ("openai-openinference", "embedding", "model_parameters"): _ENCODING,
    ("openai-openllmetry", "tool call", "input"): _NO_MESSAGES,
    ("openai-openllmetry", "tool call", "output"): _SINGULAR,
    ("openai-openllmetry", "answer", "input"): _NO_MESSAGES,
    ("openai-openllmetry", "answer", "usage"): _NO_REASONING,
    ("openai-openllmetry-0.40", "tool call", "input"): _TEXT_LOST,
    ("openai-openllmetry-0.40", "answer", "input"): _TEXT_LOST,
    ("openai-openllmetry-0.40", "answer", "usage"): "does not count the tokens of streamed answers",
}

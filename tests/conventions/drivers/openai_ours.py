"""Our own instrumentation."""

from collector import collecting, dump
from conversation import converse, openai_client

from langfuse_otel_openai import OpenAIInstrumentor

_, collector = collecting()
OpenAIInstrumentor().instrument()
converse(openai_client())
dump(collector)

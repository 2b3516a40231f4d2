"""OpenTelemetry's earlier instrumentation, which writes span events or logs for messages."""

from collector import collecting, dump
from conversation import converse, openai_client
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

_, collector = collecting()
OpenAIInstrumentor().instrument()
converse(openai_client())
dump(collector)

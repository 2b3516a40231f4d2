"""OpenLLMetry, in a version since or before it took over the GenAI conventions for messages."""

from collector import collecting, dump
from conversation import converse, openai_client
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

_, collector = collecting()
OpenAIInstrumentor().instrument()
converse(openai_client())
dump(collector)

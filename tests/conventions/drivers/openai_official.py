"""OpenTelemetry's own GenAI instrumentation."""

from collector import collecting, dump
from conversation import converse, openai_client
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

_, collector = collecting()
OpenAIInstrumentor().instrument()
converse(openai_client())
dump(collector)

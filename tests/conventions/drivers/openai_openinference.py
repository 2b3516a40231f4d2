"""OpenInference."""

from collector import collecting, dump
from conversation import converse, openai_client
from openinference.instrumentation.openai import OpenAIInstrumentor

_, collector = collecting()
OpenAIInstrumentor().instrument()
converse(openai_client())
dump(collector)

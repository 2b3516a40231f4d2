"""LangSmith's wrapper of the client, with runs as spans."""

from collector import collecting, dump
from conversation import converse, openai_client
from langsmith import Client
from langsmith.wrappers import wrap_openai

provider, collector = collecting()
langsmith = Client(otel_tracer_provider=provider, tracing_mode="otel", api_key="recorded")
converse(wrap_openai(openai_client(), tracing_extra={"client": langsmith}))
langsmith.flush()
dump(collector)

"""MLflow's automatic logging of the client, its spans made by the program's own tracer provider."""

import tempfile

import mlflow
from collector import collecting, dump
from conversation import converse, openai_client

with tempfile.TemporaryDirectory() as folder:
    mlflow.set_tracking_uri(f"sqlite:///{folder}/runs.db")  # forgets the tracer provider
    _, collector = collecting()
    mlflow.openai.autolog()
    converse(openai_client())
    mlflow.flush_trace_async_logging()
dump(collector)

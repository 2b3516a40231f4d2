"""The Langfuse SDK's drop-in replacement of the client."""

import os

from collector import collecting, dump
from conversation import converse
from langfuse import Langfuse

provider, collector = collecting()
Langfuse(public_key="pk-lf-1", secret_key="sk-lf-1", base_url="http://127.0.0.1:9", tracer_provider=provider)
from langfuse.openai import OpenAI  # noqa: E402  # after the client, which it looks for

converse(OpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key="recorded", max_retries=0))
dump(collector)
os._exit(0)  # nobody listens where its own exporter sends

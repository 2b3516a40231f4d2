"""Logfire's instrumentation of the client."""

import logfire
from collector import collecting, dump
from conversation import converse, openai_client

_, collector = collecting()
logfire.configure(send_to_logfire=False, console=False, additional_span_processors=[collector], inspect_arguments=False)
client = openai_client()
logfire.instrument_openai(client)
converse(client)
dump(collector)

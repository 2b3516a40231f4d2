"""A smolagents agent with a tool, through OpenInference."""

import os

from collector import collecting, dump
from conversation import QUESTION
from openinference.instrumentation.smolagents import SmolagentsInstrumentor
from smolagents import OpenAIServerModel, ToolCallingAgent, tool

_, collector = collecting()
SmolagentsInstrumentor().instrument()


@tool
def get_weather(city: str) -> str:
    """The weather of a town.

    Args:
        city: The town.
    """
    return '{"celsius": 18}'


model = OpenAIServerModel("gpt-4o-mini", api_base=os.environ["OPENAI_BASE_URL"], api_key="recorded")
ToolCallingAgent(tools=[get_weather], model=model, max_steps=2).run(QUESTION)
dump(collector)

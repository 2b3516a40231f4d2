"""A Strands agent with a tool."""

import os

from collector import collecting, dump
from conversation import QUESTION, RESULT, SYSTEM
from strands import Agent, tool
from strands.models.openai import OpenAIModel

_, collector = collecting()


@tool
def get_weather(city: str) -> str:
    """The weather of a town."""
    return RESULT


arguments = {"base_url": os.environ["OPENAI_BASE_URL"], "api_key": "recorded"}
model = OpenAIModel(client_args=arguments, model_id="gpt-4o-mini", params={"temperature": 0.2})
Agent(model=model, tools=[get_weather], system_prompt=SYSTEM, callback_handler=None)(QUESTION)
dump(collector)

"""A Google ADK agent with a tool."""

import asyncio
import os

from collector import collecting, dump
from conversation import QUESTION, SYSTEM, get_weather
from google.adk.agents import LlmAgent
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import InMemoryRunner

_, collector = collecting()
model = LiteLlm("openai/gpt-4o-mini", api_base=os.environ["OPENAI_BASE_URL"], api_key="recorded")
agent = LlmAgent(name="weather", model=model, instruction=SYSTEM, tools=[get_weather])
asyncio.run(InMemoryRunner(agent=agent, app_name="recorded").run_debug(QUESTION, quiet=True))
dump(collector)

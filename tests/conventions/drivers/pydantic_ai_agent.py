"""A Pydantic AI agent with a tool."""

import os

from collector import collecting, dump
from conversation import QUESTION, SYSTEM, get_weather
from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

provider, collector = collecting()
model = OpenAIChatModel("gpt-4o-mini", provider=OpenAIProvider(os.environ["OPENAI_BASE_URL"], api_key="recorded"))
settings = InstrumentationSettings(tracer_provider=provider, include_content=True)
Agent.instrument_all(settings)
agent = Agent(model, instructions=SYSTEM, tools=[get_weather], name="weather")
agent.run_sync(QUESTION)
dump(collector)

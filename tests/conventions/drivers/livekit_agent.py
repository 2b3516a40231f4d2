"""A LiveKit agent with a tool, asked in writing."""

import asyncio
import os

from collector import collecting, dump
from conversation import QUESTION, RESULT, SYSTEM
from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.telemetry import set_tracer_provider
from livekit.plugins import openai

provider, collector = collecting()
set_tracer_provider(provider)


@function_tool
async def get_weather(city: str) -> str:
    """The weather of a town."""
    return RESULT


async def ask() -> None:
    model = openai.LLM(model="gpt-4o-mini", base_url=os.environ["OPENAI_BASE_URL"], api_key="recorded")
    async with AgentSession(llm=model) as session:
        await session.start(Agent(instructions=SYSTEM, tools=[get_weather]))
        await session.run(user_input=QUESTION)


asyncio.run(ask())
dump(collector)

"""Genkit's generation with a tool, and an embedding."""

import os

from collector import collecting, dump
from conversation import QUESTION, RESULT, SYSTEM
from genkit import Genkit
from genkit_openai import OpenAI
from pydantic import BaseModel

_, collector = collecting()
ai = Genkit(plugins=[OpenAI(api_key="recorded", base_url=os.environ["OPENAI_BASE_URL"])], model="openai/gpt-4o-mini")


class Town(BaseModel):
    city: str


@ai.tool()
async def get_weather(town: Town) -> str:
    """The weather of a town."""
    return RESULT


async def ask() -> None:
    await ai.generate(system=SYSTEM, prompt=QUESTION, tools=["get_weather"], config={"temperature": 0.2})


ai.run_main(ask())
dump(collector)

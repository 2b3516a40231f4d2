"""A Langfuse that has a prompt of almost any name, without a server."""

from __future__ import annotations

import random

from langfuse_otel.errors import NotFoundError
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.models import Prompt, Selector, TextPrompt


class Langfuse(PromptApi):
    """Has a prompt of any name, but of none that begins with ``no``; those of ``large`` ones have 10 to 100 KB."""

    def __init__(self, public_key: str = "pk-lf-soak") -> None:
        super().__init__(HttpClient("http://127.0.0.1:1", public_key, "sk-lf-soak"))

    def get(self, selector: Selector, *, deadline_s: float, retry: bool = True, raw: bool = False) -> Prompt:
        if selector.name.startswith("no"):
            raise NotFoundError("there is none", status=404)
        size = random.randrange(10_000, 100_000) if selector.name.startswith("large") else 500
        text = selector.name.ljust(size, ".")
        return TextPrompt(name=selector.name, version=selector.version or 1, prompt=text, label=selector.label)

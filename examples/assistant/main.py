"""A support assistant for a kettle: four questions of two users, answered from local files and an order list.

Traced from outside: ``langfuse-otel run -- python examples/assistant/main.py``.
"""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path

from agent import Assistant
from conversations import CONVERSATIONS
from endpoint import Endpoint, endpoint
from openai import OpenAIError
from retrieval import KnowledgeBase

from langfuse_otel import SettingsError, propagate_attributes

_KNOWLEDGE = Path(__file__).with_name("knowledge")


def converse(models: Endpoint, run: str) -> None:
    """Hold all conversations, printing answers as they come."""
    knowledge = KnowledgeBase(_KNOWLEDGE, models.embeddings_client, models.embeddings_model)
    for conversation in CONVERSATIONS:
        preview_model = conversation.preview_model if models.has_preview else None
        assistant = Assistant(models.client, models.model, knowledge, preview_model)
        for question in conversation.questions:
            print(f"\n{conversation.user_id}: {question}\n  ", end="")
            with propagate_attributes(
                user_id=conversation.user_id,
                session_id=f"{conversation.user_id}-{run}",
                trace_name="support question",
                tags=["demo", f"{models.kind}-endpoint"],
                metadata={"model_endpoint": models.description[:200]},
            ):
                assistant.ask(question, show)
            print()


def show(piece: str) -> None:
    """Print a piece of an answer at once."""
    print(piece, end="", flush=True)


def main() -> int:
    """Run; 1 when the model or the settings do not allow it."""
    run = os.environ.get("ASSISTANT_RUN") or uuid.uuid4().hex[:6]  # keeps the sessions of two runs apart
    try:
        with endpoint() as models:
            print(f"Model: {models.description}")
            converse(models, run)
    except (OpenAIError, SettingsError) as error:
        print(f"\nThe assistant cannot go on: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

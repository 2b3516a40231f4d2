"""What is asked in the example: two users, each in a session of their own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Conversation:
    """A user's questions in one session.

    Attributes:
        preview_model: A model that this user is to try. There is none by this name: the failing call of the example.
    """

    user_id: str
    questions: tuple[str, ...]
    preview_model: str | None = None


CONVERSATIONS = (
    Conversation(
        "ada",
        (
            "What water temperature does green tea need?",
            "How long should it steep, and how much is 80 °C in Fahrenheit?",
        ),
    ),
    Conversation(
        "ben",
        ("Where is my order A-1042?", "Within how many days can I send it back?"),
        preview_model="gpt-4o-kettle-preview",
    ),
)

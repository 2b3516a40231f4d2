"""What is asked of Langfuse's prompt endpoints, before it is HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

ALL: Final = "/api/public/v2/prompts"
ONE: Final = f"{ALL}/{{name}}"
VERSION: Final = f"{ONE}/versions/{{version}}"


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: ``GET``, ``POST`` …
        template: Its path, with the parameters in braces.
        name: The prompt that it is about; None: any.
        version: And this version of it; None: any.
        query: Parameters, not encoded yet.
        resends: How often it was sent before.
    """

    method: str
    template: str
    name: str | None = None
    version: int | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    resends: int = 0

    @property
    def path(self) -> str:
        """The path with the parameters in place; whatever the name, it is one encoded segment."""
        return self.template.format(name=quote(self.name or "", safe=""), version=self.version)

"""What changed from one version of a prompt to another, for people and for deploy scripts."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from langfuse_otel.prompts.models import ChatMessage, Prompt


@dataclass(frozen=True, slots=True)
class PromptDiff:
    """The way from one version to another; false when they say the same.

    Attributes:
        before: Name and version of the one.
        after: Name and version of the other.
        text: What changed in type, messages and configuration, as a unified diff; empty when nothing did. Labels, tags
            and commit message are about a version, not in it, and don't count.
        added: Names of variables and placeholders that only the other has: callers have to give them.
        removed: Names that only the first has: callers may leave them out.
    """

    before: str
    after: str
    text: str
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.text)

    def __str__(self) -> str:
        return self.text


def diff(before: Prompt, after: Prompt) -> PromptDiff:
    """What ``after`` has that ``before`` has not, and the reverse."""
    names = f"{before.name} {before.version}", f"{after.name} {after.version}"
    lines = difflib.unified_diff([*_lines(before)], [*_lines(after)], *names, lineterm="")
    had, has = (dict.fromkeys((*prompt.variables, *prompt.placeholders)) for prompt in (before, after))
    return PromptDiff(
        *names,
        text="\n".join(lines),
        added=tuple(name for name in has if name not in had),
        removed=tuple(name for name in had if name not in has),
    )


def _lines(prompt: Prompt) -> Iterator[str]:
    """The prompt in lines to compare: a heading for each message, then its text; last the configuration."""
    if isinstance(prompt.prompt, str):
        yield "[text]"
        yield from prompt.prompt.split("\n")
    else:
        for part in prompt.prompt:
            if isinstance(part, ChatMessage):
                yield f"[{part.role}]"
                yield from part.content.split("\n")
            else:
                yield f"[messages of placeholder {part.name}]"
    config = prompt.config
    if config != {}:
        yield "[config]"
        yield from json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False).split("\n")

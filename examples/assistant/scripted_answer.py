"""What the scripted model says: a few rules over the words of the request. There is no language model in here.

Its answers quote the request's passages and tool results, so a wrong retrieval gives a wrong answer, as with a model.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Message = Mapping[str, Any]

_COMMON_WORDS = """
    about an and any are as at be by can could do does for from good has have how if in is it its many may me much
    my need of on only or please should tell that the then they this to use was what when where which will with
    would you your
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_ENDINGS = ("ings", "ing", "ers", "er", "ed", "es", "s")
_PASSAGE = re.compile(r'<passage source="(?P<source>[^"]*)">(?P<text>.*?)</passage>', re.DOTALL)
_SENTENCE = re.compile(r"[^.!?]+(?:[.!?](?=\S)[^.!?]*)*[.!?]?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_EARLIER_WEIGHT = 0.3  # of a word that only an earlier question had: it says what "it" means
_TITLE_WEIGHT = 0.5  # of a word that only the passage's title has


def tokens(text: str) -> int:
    """Words and punctuation marks: what the scripted model counts and bills."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def embedding(text: str, dimensions: int) -> list[float]:
    """The bag of ``text``'s words, each hashed to one of ``dimensions`` places; its length is 1, or 0 without words."""
    vector = [0.0] * dimensions
    for stem, count in Counter(_stems(text)).items():
        vector[zlib.crc32(stem.encode()) % dimensions] += count
    length = math.hypot(*vector) or 1.0
    return [value / length for value in vector]


def tool_call(messages: Sequence[Message], tools: Iterable[Mapping[str, Any]]) -> tuple[str, dict[str, Any]] | None:
    """The first tool that shares a word with the question and finds all its required arguments there.

    None once a tool has answered, as the question then has what it needs.
    """
    at = _last_question(messages)
    if any(message["role"] == "tool" for message in messages[at:]):
        return None
    question = content_of(messages[at])
    for tool in tools:
        function = tool["function"]
        if not set(_stems(f"{function['name'].replace('_', ' ')} {function.get('description', '')}")) & set(
            _stems(question)
        ):
            continue
        schema = function.get("parameters", {})
        names = schema.get("required", [])
        found = {name: _argument(question, schema["properties"][name]) for name in names}
        if None not in found.values():
            return function["name"], found
    return None


def answer(messages: Sequence[Message]) -> str:
    """The results of tools, then the sentence or two of the passages (else of the instructions) that fit best."""
    at = _last_question(messages)
    question = content_of(messages[at])
    earlier = " ".join(content_of(message) for message in messages[:at] if message["role"] == "user")
    results = [_told(content_of(message)) for message in messages[at:] if message["role"] == "tool"]
    open_words = set(_stems(question)) - set(_stems(" ".join(results)))
    quoted = _best_sentences(list(_sentences(messages[:at])), open_words, set(_stems(earlier)))
    return (
        " ".join(results + quoted)
        or "That is not in what I was given. (I am a scripted model: I only quote the request.)"
    )


def content_of(message: Message) -> str:
    """The text of a message, whether it is given as text or as parts."""
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _last_question(messages: Sequence[Message]) -> int:
    questions = [at for at, message in enumerate(messages) if message["role"] == "user"]
    return questions[-1] if questions else 0


def _argument(question: str, schema: Mapping[str, Any]) -> Any:
    if "pattern" in schema:
        found = re.search(schema["pattern"].strip("^$"), question)
        return found[0] if found else None
    if schema.get("type") in ("number", "integer"):
        found = _NUMBER.search(question)
        return json.loads(found[0]) if found else None
    return next((value for value in schema.get("enum", ()) if str(value).lower() in question.lower()), None)


def _told(result: str) -> str:
    """A tool's result as a sentence."""
    try:
        value = json.loads(result)
    except ValueError:
        return result
    if not isinstance(value, dict):
        return f"The tool says: {value}."
    return ", ".join(f"{name.replace('_', ' ')}: {item}" for name, item in value.items()) + "."


def _sentences(messages: Iterable[Message]) -> Iterable[tuple[str, set[str]]]:
    """Each sentence that may be quoted, with the words of its passage's title."""
    system = " ".join(content_of(message) for message in messages if message["role"] in ("system", "developer"))
    passages = [(match["source"], match["text"]) for match in _PASSAGE.finditer(system)] or [("", system)]
    for source, text in passages:
        for match in _SENTENCE.finditer(text):
            if sentence := " ".join(match[0].split()):
                yield sentence, set(_stems(source))


def _best_sentences(sentences: Sequence[tuple[str, set[str]]], question: set[str], earlier: set[str]) -> list[str]:
    """The sentence with the most of the question's words, and the next one if it has half as much of them."""
    wanted = dict.fromkeys(earlier, _EARLIER_WEIGHT) | dict.fromkeys(question, 1.0)
    stems = [set(_stems(sentence)) for sentence, _ in sentences]
    frequency = Counter(stem for present in stems for stem in present)

    def score(at: int) -> float:
        if not question & (stems[at] | sentences[at][1]):
            return 0.0
        inside = sum(weight / frequency[stem] for stem, weight in wanted.items() if stem in stems[at])
        above = sum(weight for stem, weight in wanted.items() if stem in sentences[at][1] - stems[at])
        return inside + _TITLE_WEIGHT * above

    best = max(range(len(sentences)), key=score, default=-1)
    if best < 0 or score(best) == 0:
        return []
    following = best + 1 if best + 1 < len(sentences) and score(best + 1) >= score(best) / 2 else best
    return [sentences[at][0] for at in sorted({best, following})]


def _stems(text: str) -> list[str]:
    """The words that carry meaning, without their commonest endings: ``heating`` and ``heats`` are ``heat``."""
    words = (word for word in re.findall(r"[\w-]+", text.lower()) if len(word) > 1 and word not in _COMMON)
    return [_stem(word) for word in words]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word

"""Scores by hand (``tracing.scoring``): a span of no length that says what somebody thinks of its parent."""

from __future__ import annotations

from typing import Any, get_args

from langfuse_otel.conventions import values
from langfuse_otel.conventions.convention import Convention
from langfuse_otel.conventions.reader import Reader
from langfuse_otel.json_safe import well_formed
from langfuse_otel.observation import TEXTS, Score, ScoreSubject, ScoreType
from langfuse_otel.score_attributes import CONFIG_ID, EXPLANATION, ID, LABEL, NAME, SUBJECT, TYPE, VALUE

_TYPES = frozenset(get_args(ScoreType))
_SUBJECTS = frozenset(get_args(ScoreSubject))
_PARTS = frozenset((NAME, VALUE, LABEL, EXPLANATION, ID, SUBJECT, TYPE, CONFIG_ID))


def _compose(reader: Reader) -> None:
    mine = reader.mine
    score_id, name = values.text(mine.get(ID)), values.text(mine.get(NAME))
    kind: Any = mine.get(TYPE)
    subject: Any = mine.get(SUBJECT)
    said = mine.get(VALUE if kind in ("NUMERIC", "BOOLEAN") else LABEL)
    if not score_id or not name or kind not in _TYPES or subject not in _SUBJECTS or said is None:
        return  # another library's evaluation, which stays an observation
    is_content = kind in TEXTS
    reader.offer(
        "score",
        Score(
            id=well_formed(score_id),
            name=well_formed(name),
            type=kind,
            subject=subject,
            value=None if is_content else well_formed(said) if isinstance(said, str) else float(said),
            config_id=values.text(mine.get(CONFIG_ID)),
        ),
    )
    if is_content:
        reader.offer("output", values.text(said))
    reader.offer("status_message", values.text(mine.get(EXPLANATION)))
    mine.clear()


CONVENTION = Convention(
    name="score",
    parts=_PARTS,
    compose=_compose,
    composes={
        "score": (SUBJECT, ID, TYPE, CONFIG_ID, NAME, VALUE, LABEL),
        "output": (f"{LABEL} (of a text)",),
        "status_message": (EXPLANATION,),
    },
)

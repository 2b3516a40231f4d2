"""The attributes of a span that stands for a score: ``tracing.scoring`` writes them, the conventions read them.

Names and values are those of OpenTelemetry's ``gen_ai.evaluation.result``, for other backends to read; what only
Langfuse has goes by names of ours.
"""

from __future__ import annotations

from typing import Final

NAME: Final = "gen_ai.evaluation.name"
VALUE: Final = "gen_ai.evaluation.score.value"
LABEL: Final = "gen_ai.evaluation.score.label"
EXPLANATION: Final = "gen_ai.evaluation.explanation"
ID: Final = "langfuse_otel.score.id"
SUBJECT: Final = "langfuse_otel.score.subject"
TYPE: Final = "langfuse_otel.score.type"
CONFIG_ID: Final = "langfuse_otel.score.config_id"

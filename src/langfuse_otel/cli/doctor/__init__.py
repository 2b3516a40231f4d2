"""``langfuse-otel doctor``: one module a group of checks; each yields findings, none knows how they are shown."""

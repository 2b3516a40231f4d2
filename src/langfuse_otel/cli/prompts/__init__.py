"""``langfuse-otel prompts``: one module for each kind of work, and ``command`` that knows them all."""

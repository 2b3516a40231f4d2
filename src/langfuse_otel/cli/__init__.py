"""The command ``langfuse-otel``: one module a subcommand."""

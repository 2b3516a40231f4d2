"""A local, Langfuse-compatible server for demos, development and tests. Not for production."""

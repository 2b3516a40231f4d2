"""Writing observations: one `langfuse_otel.observation.Observation` into the bytes of one endpoint."""

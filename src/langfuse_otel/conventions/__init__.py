"""Reading spans: any convention's attributes into one `langfuse_otel.observation.Observation`."""

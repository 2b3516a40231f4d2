"""Attributes → observation, by the rules of Langfuse's own server; for the conventions that our tools write."""

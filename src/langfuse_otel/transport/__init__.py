"""From spans to Langfuse's answer: one transport a wire, and one that finds out which wire the server takes."""

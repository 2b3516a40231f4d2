"""What the prompt cache promises, in large numbers."""

"""What a user wants changed or left out of an observation, after it was read and before it is encoded."""

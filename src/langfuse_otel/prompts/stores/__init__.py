"""What processes share prompts through; ``base`` says what a store of your own has to do."""

"""The pages: traces, sessions and prompts, to be read in a browser on this machine."""

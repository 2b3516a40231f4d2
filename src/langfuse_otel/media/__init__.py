"""Images, sound and files in observations: taken out, uploaded through Langfuse's media API, and referred to."""

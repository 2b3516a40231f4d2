"""From an ended span to the server's receipt: accept, buffer, batch, send, acknowledge."""

"""How to fail well: pauses between attempts, one request for many callers. No I/O of its own."""

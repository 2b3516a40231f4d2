"""``python -m langfuse_otel``: the same as ``langfuse-otel``, for when the script is not on the path."""

from __future__ import annotations

import sys

from langfuse_otel.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

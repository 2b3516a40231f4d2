"""What is left after many calls and many instrumentings: ``bench/instrument_soak.py`` with small numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_abandoned_streams_and_instrumentings_leave_nothing() -> None:
    command = [sys.executable, "-m", "bench.instrument_soak", "--calls", "300", "--cycles", "20"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(ran.stdout)
    assert found["streams"]["spans"] == 300 + 100
    assert found["cycles"]["targets"] > 50

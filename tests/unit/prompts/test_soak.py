"""Killed processes, keys that read alike, names without end: ``bench/prompt_soak`` with small numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_cache_keeps_its_promises() -> None:
    command = [sys.executable, "-m", "bench.prompt_soak", "--kills", "20", "--pairs", "2000", "--names", "3000"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert ran.stdout, ran.stderr
    found = json.loads(ran.stdout)
    assert set(found["missed"]) <= {"flood.hit_us"}, ran.stdout + ran.stderr  # no time is a matter for a test
    assert ran.returncode == bool(found["missed"])
    assert found["killed"]["from_disk"] > 0
    assert found["damaged"]["from_disk"] > 0
    assert found["keys"]["alike"] > 0
    assert found["keys"]["same"] > 0
    assert found["flood"]["most_items"] == 1_000

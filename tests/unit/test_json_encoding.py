"""JSON, also where memory runs out."""

from __future__ import annotations

import subprocess
import sys

import pytest

from langfuse_otel.json_encoding import encoder, text_encoder, to_json, to_text

LIMITED = """
import resource
from langfuse_otel.json_encoding import {function}

text = "x\\n" * 2_000_000
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 1_000_000, resource.RLIM_INFINITY))
try:
    {function}([text])
except MemoryError:
    print("survived")
"""


def test_bytes_and_text_say_the_same() -> None:
    assert to_json({"a": ["é", 1, None]}) == to_text({"a": ["é", 1, None]}).encode() == '{"a":["é",1,null]}'.encode()


def test_what_is_not_known_is_asked_about() -> None:
    assert encoder(str)(object) == text_encoder(str)(object).encode() == b"\"<class 'object'>\""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
@pytest.mark.parametrize("function", ["to_json", "to_text"])
def test_running_out_of_memory_is_an_error_and_not_the_end_of_the_process(function: str) -> None:
    code = LIMITED.format(function=function)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (0, "survived\n"), ran.stderr

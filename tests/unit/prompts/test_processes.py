"""The client in threads, greenlets and forked processes, and at the end of a program."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from langfuse_otel.prompts import Prompts
from support.clock import FakeClock
from support.prompt_client import PATIENCE_S, prompts_of, wait_until_renewed
from support.prompt_server import PromptServer


class TestProcesses:
    def test_a_forked_child_serves_from_memory_renews_and_reads(
        self, server: PromptServer, prompts: Prompts, clock: FakeClock
    ) -> None:
        server.publish("p", "one")
        server.publish("q", "x")
        prompts.get("p")
        clock.sleep(61.0)
        prompts.get("p")
        wait_until_renewed(prompts)  # the parent has a worker now
        server.publish("p", "two")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                clock.sleep(61.0)
                served = prompts.get("p").version
                wait_until_renewed(prompts)
                status = 0 if (served, prompts.get("p").version, prompts.get("q").version) == (1, 2, 1) else 2
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        assert prompts.get("p").version == 1

    def test_a_program_ends_while_reads_hang(self, server: PromptServer) -> None:
        server.trouble = server.hang
        program = f"""
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
from langfuse_otel.prompts.ask import Ask
prompts = Prompts(PromptApi(HttpClient({server.url!r}, "pk", "sk")), deadline_s=600, fallback_deadline_s=0.05)
assert prompts.get("p", fallback="mine").is_fallback
"""
        assert subprocess.run([sys.executable, "-c", program], timeout=PATIENCE_S).returncode == 0

    @pytest.mark.skipif(sys.version_info >= (3, 14), reason="gevent is not there yet")
    def test_greenlets_share_one_read_and_the_others_run_on(self, server: PromptServer) -> None:
        """gevent replaces threads, locks and sockets; nothing of ours may hold up its loop."""
        server.publish("p", "x")
        server.open.clear()
        program = f"""
from gevent import monkey
monkey.patch_all()
import gevent
from langfuse_otel.http import HttpClient
from langfuse_otel.prompts import Prompts
from langfuse_otel.prompts.api import PromptApi
prompts = Prompts(PromptApi(HttpClient({server.url!r}, "pk", "sk")))
waiting = [gevent.spawn(prompts.get, "p") for _ in range(100)]
gevent.sleep(0)
print("running on", flush=True)
print({{greenlet.get().version for greenlet in waiting}})
"""
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            assert process.stdout.readline() == "running on\n"
            server.open.set()
            assert process.communicate(timeout=PATIENCE_S)[0] == "{1}\n"
        assert len(server.reads) == 1

    def test_threads_that_come_and_go_find_what_they_ask_for(self, server: PromptServer, clock: FakeClock) -> None:
        """Hits, renewals, evictions and invalidations at once: always the right prompt, never an error."""
        prompts = prompts_of(server, clock, max_items=4)
        for number in range(8):
            server.publish(f"p{number}", f"text {number}")

        def work(seed: int) -> int:
            for turn in range(60):
                number = (seed * 7 + turn * 5) % 8
                assert prompts.get(f"p{number}").compile() == f"text {number}"
                if turn % 20 == seed:
                    prompts.invalidate(f"p{number}")
                    clock.sleep(40.0)
            return seed

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(work, range(8))) == list(range(8))

"""``multiprocessing`` and process pools, by every start method: each child delivers its own spans, each once."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import pytest

from support.app import PRELUDE, App, Ended, adopt, assert_all_delivered
from support.sink import FaultSink

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the applications use os.write")
METHODS = multiprocessing.get_all_start_methods()

MAIN = """
import multiprocessing, threading
from concurrent.futures import ProcessPoolExecutor

tracing()  # also when a child imports this module

def work(number=0):
    end_spans(5)
    return number

def work_and_wait(ready):
    end_spans(5)
    ready.set()
    threading.Event().wait()

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    end_spans(5)  # these wait in the parent
"""


def run(main: str, method: str, folder: Path, sink: FaultSink, **env: str) -> Ended:
    path = folder / "main.py"
    path.write_text(PRELUDE + MAIN + "".join(f"    {line}\n" for line in main.strip().splitlines()))
    with App([sys.executable, str(path), method], sink.url, **env) as app:
        return app.wait()


@pytest.mark.parametrize("method", METHODS)
def test_children_and_a_pool_deliver_at_their_end(method: str, delivery: dict[str, str], tmp_path: Path) -> None:
    with FaultSink() as sink:
        ended = run(
            """
children = [context.Process(target=work) for _ in range(2)]
for child in children:
    child.start()
with ProcessPoolExecutor(2, mp_context=context) as pool:
    assert list(pool.map(work, range(4))) == [0, 1, 2, 3]
for child in children:
    child.join()
    assert child.exitcode == 0
""",
            method,
            tmp_path,
            sink,
            **delivery,
        )

        assert ended.code == 0, ended.errors
        assert len(ended.span_ids) == 5 + 2 * 5 + 4 * 5
        assert_all_delivered(sink, ended.span_ids, delivery)


@pytest.mark.parametrize("method", METHODS)
def test_a_child_that_is_terminated_delivers_first(method: str, delivery: dict[str, str], tmp_path: Path) -> None:
    with FaultSink() as sink:
        ended = run(
            """
ready = context.Event()
child = context.Process(target=work_and_wait, args=(ready,))
child.start()
ready.wait()
child.terminate()
child.join()
assert child.exitcode == -15, child.exitcode
""",
            method,
            tmp_path,
            sink,
            **delivery,
        )

        assert ended.code == 0, ended.errors
        assert len(ended.span_ids) == 10
        assert_all_delivered(sink, ended.span_ids, delivery)


def test_what_a_killed_child_had_on_disk_its_relatives_or_the_next_process_deliver(
    durable: dict[str, str], tmp_path: Path
) -> None:
    with FaultSink() as sink:
        ended = run(
            """
ready = context.Event()
child = context.Process(target=work_and_wait, args=(ready,))
child.start()
ready.wait()
child.kill()
child.join()
""",
            METHODS[0],
            tmp_path,
            sink,
            **durable,
        )
        adopt(sink, ended.span_ids, durable)

        assert len(ended.span_ids) == 10


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="lists open files in /proc")
def test_no_file_of_the_spool_and_no_connection_is_inherited_over_exec(durable: dict[str, str], tmp_path: Path) -> None:
    with FaultSink() as sink:
        ended = run(
            """
import subprocess
exporter.force_flush(20_000)
script = (
    "import os; own = '/proc/self/fd/'; "
    "print([os.readlink(own + fd) for fd in os.listdir(own) if os.path.lexists(own + fd)])"
)
seen = subprocess.run([sys.executable, "-c", script], close_fds=False, capture_output=True, text=True, check=True)
assert "spool" not in seen.stdout and "socket" not in seen.stdout, seen.stdout
""",
            METHODS[0],
            tmp_path,
            sink,
            **durable,
        )

        assert ended.code == 0, ended.errors
        assert_all_delivered(sink, ended.span_ids, durable)

"""Celery's prefork pool: billiard's children leave without the interpreter's exit hooks."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.app import PRELUDE, App, assert_all_delivered
from support.sink import FaultSink
from support.valkey_server import Valkey

pytest.importorskip("celery")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no fork there")

WORKER = """
from celery import Celery
app = Celery("tasks")
app.conf.update(
    broker_url=os.environ["BROKER"],
    task_ignore_result=True,
    worker_hijack_root_logger=False,
)
tracing()

@app.task
def work():
    end_spans(2)

if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        work.delay()
"""


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    """As the broker: with files in its place, a worker would look at a signal every two seconds."""
    with Valkey() as running:
        yield running


@pytest.mark.parametrize("per_child", ["1", "100"])
def test_each_task_is_delivered_however_soon_its_process_ends(
    per_child: str, delivery: dict[str, str], tmp_path: Path, valkey: Valkey
) -> None:
    (tmp_path / "tasks.py").write_text(PRELUDE + WORKER)
    env = {"BROKER": valkey.url.replace("unix:", "redis+socket:"), **delivery}
    options = ["--pool", "prefork", "--concurrency", "2", "--max-tasks-per-child", per_child, "--loglevel", "ERROR"]
    celery = ["celery", "-A", "tasks", "worker", *options, "--without-mingle", "--without-gossip"]
    with FaultSink() as sink:
        with App([sys.executable, "tasks.py", "4"], sink.url, cwd=tmp_path, **env) as producer:
            assert producer.wait().code == 0
        with App([sys.executable, "-m", *celery], sink.url, cwd=tmp_path, **env) as worker:
            worker.wait_for(lambda: len(worker.span_ids) == 8)
            ended = worker.end(signal.SIGTERM)
        assert_all_delivered(sink, ended.span_ids, delivery)

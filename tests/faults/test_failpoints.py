"""``kill -9`` in each critical section of the spool: nothing that was accepted is lost, and the next process starts.

The places are in ``support.failpoints``. A span counts as accepted once ``on_end`` has returned to the code that ended
it; one that was under way at that moment may arrive or not.
"""

from __future__ import annotations

import logging
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from langfuse_otel.delivery.spool.database import PAGE_BYTES
from support.app import AT_LEAST_ONCE, GUARANTEE, SPOOL, start_app
from support.failpoints import FAILPOINTS, Failpoint
from support.sink import FaultSink, Mode, Reply, Request, poisoned_by, status, taken

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX locks")

_logger = logging.getLogger(__name__)

_READY_S = 10.0  # generous: two cores may be shared by many; the log has the figure
_DELIVERED_S = 20.0

_DYING = """
import threading
from langfuse_otel.delivery.spool import holdings, spool
from support.failpoints import arm
if {erases_at_once}:
    spool._LOOK_AT_AGES_EVERY_S, holdings.ERASE_AFTER_S = 0.0, -1.0
arm({step!r}, {when!r}, {nth})
tracing(shutdown_on_exit=False)
if not {erases_at_once}:  # else all that is delivered is of the process before
    end_spans(10)
exporter.force_flush(10_000)
threading.Event().wait(3)  # upkeep, if it lives so long
"""
_LEAVING = """
import signal
tracing(shutdown_on_exit=False)
end_spans(20)
os.kill(os.getpid(), signal.SIGKILL)
"""
_VERIFYING = """
from langfuse_otel.cli.main import main
from support.failpoints import arm
arm({step!r}, {when!r}, {nth})
main(["spool", "verify"])
"""
_HEALTHY = """
import threading, time
began = time.monotonic()
tracing()
end_spans(1)
os.write(1, b"ready after %.3f s\\n" % (time.monotonic() - began))
threading.Event().wait()
"""


class Story:
    """Processes that use one spool one after the other, and what they said that they ended."""

    def __init__(self, sink: FaultSink, directory: Path) -> None:
        self.sink = sink
        self.spool = directory / "spool"
        self.accepted: set[str] = set()
        self._deaths = 0
        self._env = {
            GUARANTEE: AT_LEAST_ONCE,
            SPOOL: str(self.spool),
            "LANGFUSE_FLUSH_AT": "5",
            "LANGFUSE_FLUSH_INTERVAL": "0.05",
            "OTEL_EXPORTER_LANGFUSE_RETRY_INITIAL": "0.05",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }

    def leaves_spans(self) -> None:
        """A process puts spans and is killed before any is delivered."""
        self.sink.mode, mode = status(503), self.sink.mode
        assert self._run(_LEAVING) == -signal.SIGKILL
        self.sink.mode = mode

    def dies_at(self, failpoint: Failpoint) -> None:
        """A process comes to that place, and no further."""
        assert self.comes_to(failpoint) == -signal.SIGKILL, "it did not come to that place"
        self._deaths += 1

    def comes_to(self, failpoint: Failpoint) -> int:
        """A process that would die at that place; its exit status."""
        source = _VERIFYING if failpoint.circumstance == "verifying" else _DYING
        erases_at_once = failpoint.circumstance == "erasing"
        return self._run(source.format(**asdict(failpoint), erases_at_once=erases_at_once))

    def ends_well(self, refused: Callable[[], set[str]] = set) -> None:
        """The next process starts, takes a span, and delivers all that was accepted, but for what is refused."""
        with start_app(_HEALTHY, self.sink.url, **self._env) as app:
            app.wait_for(lambda: bool(app.span_ids) or app.process.poll() is not None)
            self.accepted |= {*app.span_ids}
            self.sink.wait_for(self.accepted - refused(), _DELIVERED_S)
            assert app.process.poll() is None, f"it died: {app.errors}"
            ended = app.end(signal.SIGTERM)
            assert "Traceback" not in ended.errors
            (ready_s,) = re.findall(r"ready after ([0-9.]+) s", app.output)
        _logger.info("ready after %s s", ready_s)
        assert float(ready_s) < _READY_S
        under_way = self.sink.delivered.keys() - self.accepted
        assert len(under_way) <= self._deaths, "more than the span at whose end a process died was never accepted"

    def _run(self, source: str) -> int:
        with start_app(source, self.sink.url, **self._env) as app:
            ended = app.wait()
            self.accepted |= {*ended.span_ids}
            return ended.code


def damage(spool: Path) -> None:
    """Make a file that SQLite cannot read to its end, though each row in it is whole."""
    (log,) = spool.glob("*/*.db-wal")
    content = bytearray(log.read_bytes())
    second_frame = 32 + 24 + PAGE_BYTES
    content[second_frame + 16] ^= 0xFF  # of its check sum
    log.write_bytes(content)


class FirstIsPoison:
    """400 for every request with the first span that ever came."""

    def __init__(self) -> None:
        self.span_ids: set[str] = set()

    def __call__(self, request: Request) -> Reply:
        if not self.span_ids:
            self.span_ids = set(request.span_ids[:1])
        return poisoned_by(*self.span_ids)(request)


def takes(requests: int) -> Mode:
    """Accepts so many requests, and is down from then on."""
    left = iter(range(requests))
    return lambda request: status(503)(request) if next(left, None) is None else taken(request)


@pytest.mark.parametrize("failpoint", FAILPOINTS, ids=str)
def test_a_process_killed_there_costs_nothing_that_was_accepted(failpoint: Failpoint, tmp_path: Path) -> None:
    poison = FirstIsPoison()
    with FaultSink() as sink:
        story = Story(sink, tmp_path)
        if failpoint.circumstance in ("adopting", "erasing", "damaged", "verifying"):
            story.leaves_spans()
        if failpoint.circumstance in ("damaged", "verifying"):
            damage(story.spool)
        if failpoint.circumstance == "erasing":
            sink.mode = takes(2)
        if failpoint.circumstance == "refused":
            sink.mode = poison
        story.dies_at(failpoint)
        if failpoint.circumstance == "erasing":
            sink.mode = taken
        story.ends_well(refused=lambda: poison.span_ids)


def test_three_deaths_in_a_row_in_adoption_are_no_crash_loop(tmp_path: Path) -> None:
    with FaultSink() as sink:
        story = Story(sink, tmp_path)
        story.leaves_spans()
        for when in ("after", "after", "before"):
            story.dies_at(Failpoint("adopting", "file.SpoolFile.load", when))
        story.ends_well()


def test_three_deaths_in_a_row_over_a_damaged_file_are_no_crash_loop(tmp_path: Path) -> None:
    with FaultSink() as sink:
        story = Story(sink, tmp_path)
        story.leaves_spans()
        damage(story.spool)
        for step in ("rescue.salvage", "file.SpoolFile.append", "rescue.salvage"):
            story.dies_at(Failpoint("damaged", step, "after"))
        story.ends_well()


def test_a_damaged_file_that_is_the_end_of_each_process_that_reads_it_is_left_alone_after_three(tmp_path: Path) -> None:
    deadly = Failpoint("damaged", "rescue.salvage", "before")  # as one for which there is no memory would be
    with FaultSink() as sink:
        story = Story(sink, tmp_path)
        story.leaves_spans()
        damage(story.spool)
        for _ in range(3):
            story.dies_at(deadly)
        assert story.comes_to(deadly) == 0
        kept = sorted(path.name.partition(".")[2] for path in story.spool.glob("*/*.db*"))
        assert kept == ["db.damaged-1", "db.damaged-1-wal"], "with all that is in it, and nothing else"

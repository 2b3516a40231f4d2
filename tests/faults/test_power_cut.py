"""Power that fails: what the application's system calls had made safe by then is what the next process finds.

An application runs under ``strace``, which writes down every change to its files. From that, the disk is made up as it
may be after a cut at any of them: what was synced is there, and of what was not, nothing, or by chance some of it in
any order, torn between sectors. ``LANGFUSE_TEST_POWER_CUTS=200`` for a longer run; ``LANGFUSE_TEST_SEED`` for another.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.spools import MIB, make_spool, take_all

_CUTS = int(os.environ.get("LANGFUSE_TEST_POWER_CUTS", "20"))
_SEED = int(os.environ.get("LANGFUSE_TEST_SEED", "1"))
_SECTOR_BYTES = 512

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None
    or subprocess.run(["strace", "true"], capture_output=True, check=False).returncode != 0,
    reason="needs strace",
)

# Says on stdout what it may rely on from then on, so that it stands among the system calls in its place.
_APPLICATION = """
import os, sys
from pathlib import Path
from support.spools import MIB, make_spool
spool = make_spool(Path(sys.argv[1]), fsync=sys.argv[2], max_bytes=MIB)
for n in range(300):
    spool.put(b"%d" % n + b"." * (n * 37 % 3000))
    os.write(1, b"put %d\\n" % n)
    if n % 10 == 0:
        os.write(1, b"upkeep begins\\n")
        spool.maintain()
        os.write(1, b"upkeep ends\\n")
    if n % 25 == 0:
        rows = spool.take(15, MIB)
        os.write(1, b"delivered " + b" ".join(row.body.split(b".")[0] for row in rows) + b"\\n")
        spool.acknowledge([row.key for row in rows])
spool.close()
"""


@dataclass
class Call:
    """A system call: its name, the file, and what it has to say."""

    name: str
    path: str
    data: bytes = b""
    offset: int = 0
    at_s: float = 0.0


@dataclass
class File:
    """A file on the disk: what is safe, and what is not yet."""

    data: bytearray = field(default_factory=bytearray)
    unsynced: list[Call] = field(default_factory=list)


_LINE = re.compile(r"^(?P<at>[\d.]+) (?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>-?\d+)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FD = re.compile(r"^\d+<([^>]*)>")


def record(directory: Path, fsync: str) -> list[Call]:
    """Run the application; what it did to its spool, and said, in its order."""
    root, log = Path(__file__).parents[2], directory / "log"
    calls = "trace=openat,write,pwrite64,ftruncate,fsync,fdatasync,unlink,rename"
    strace = ["strace", "-ttt", "-y", "-xx", "-s", "65536", "-e", calls, "-o", str(log)]
    subprocess.run(
        [*strace, sys.executable, "-c", _APPLICATION, str(directory), fsync],
        env={**os.environ, "PYTHONPATH": f"{root / 'tests'}{os.pathsep}{root / 'src'}"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    found = (_call(line, str(directory / "spool")) for line in log.read_text().splitlines())
    return [call for call in found if call is not None]


def _call(line: str, inside: str) -> Call | None:
    match = _LINE.match(line)
    if match is None or int(match["result"]) < 0:
        return None
    name, arguments = match["name"], match["arguments"]
    strings = [bytes.fromhex(text.replace("\\x", "")) for text in _STRING.findall(arguments)]
    fd = _FD.match(arguments)
    path = fd[1] if fd and name != "openat" else strings[0].decode()
    call = Call(name, _plain(path), at_s=float(match["at"]))
    if name == "write" and arguments.startswith("1<"):
        return Call("says", "", strings[0], at_s=call.at_s)
    if not call.path.startswith(inside) or (name == "openat" and "O_CREAT" not in arguments):
        return None
    if name in ("write", "pwrite64"):
        call.data, call.offset = strings[0], int(arguments.rsplit(", ", 1)[1])
        assert name == "pwrite64", line
    elif name == "ftruncate":
        call.offset = int(arguments.rsplit(", ", 1)[1])
    elif name == "rename":
        raise AssertionError(line)  # not made up here
    return call


def _plain(path: str) -> str:
    """``strace`` writes also what it adds by ``-y`` in hexadecimal."""
    return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path


def after_a_cut(calls: Sequence[Call], draw: random.Random | None) -> dict[str, bytes]:
    """The files as they may be when the power fails after these calls; ``draw`` decides what else got through."""
    files: dict[str, File] = defaultdict(File)
    named: set[str] = set()  # in a directory that was synced since
    gone: set[str] = set()
    for call in calls:
        file = files[call.path]
        if call.name == "openat":
            gone.discard(call.path)
        elif call.name in ("pwrite64", "ftruncate"):
            file.unsynced.append(call)
        elif call.name == "unlink":
            gone.add(call.path)
        elif call.name in ("fsync", "fdatasync"):
            for one in file.unsynced:
                _apply(one, file.data)
            file.unsynced.clear()
            inside = {path for path in files if os.path.dirname(path) == call.path}  # when it is a directory
            named |= inside
            for path in inside & gone:
                del files[path]
                named.discard(path)
    for path, file in tuple(files.items()):
        if path in named:
            if draw and path in gone and draw.random() < 0.5:
                del files[path]
            elif draw:
                for one in file.unsynced:
                    _apply_some(one, file.data, draw)
        elif draw is None or draw.random() < 0.5 or path in gone:
            del files[path]
    return {path: bytes(file.data) for path, file in files.items() if Path(path).suffix}


def _apply(call: Call, data: bytearray) -> None:
    if call.name == "ftruncate":
        del data[call.offset :]
        data.extend(bytes(call.offset - len(data)))
        return
    data.extend(bytes(max(0, call.offset - len(data))))
    data[call.offset : call.offset + len(call.data)] = call.data


def _apply_some(call: Call, data: bytearray, draw: random.Random) -> None:
    """Whole, not at all, or but for some of its sectors."""
    chance = draw.random()
    if chance < 0.5:
        _apply(call, data)
    elif chance < 0.75 and call.name == "pwrite64":
        for start in range(0, len(call.data), _SECTOR_BYTES):
            if draw.random() < 0.5:
                _apply(Call(call.name, call.path, call.data[start : start + _SECTOR_BYTES], call.offset + start), data)


def safe_rows(calls: Sequence[Call], fsync: str) -> set[int]:
    """The rows that are promised to be there: ``always`` all that were put, ``interval`` those before an upkeep."""
    put: set[int] = set()
    before_upkeep: set[int] = set()
    safe: set[int] = set()
    delivered: set[int] = set()
    for call in calls:
        if call.data.startswith(b"put "):
            put.add(int(call.data.split()[1]))
        elif call.data == b"upkeep begins\n":
            before_upkeep = set(put)
        elif call.data == b"upkeep ends\n":
            safe = before_upkeep
        elif call.data.startswith(b"delivered "):
            delivered |= {int(row) for row in call.data.split()[1:]}
    promised = {"always": put, "interval": safe, "off": set[int]()}[fsync]
    return promised - delivered


def found_after(disk: dict[str, bytes], was: Path, now: Path) -> set[int]:
    """The rows that the next process delivers."""
    for path, data in disk.items():
        file = now / Path(path).relative_to(was)
        for folder in (now / "spool", file.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        file.write_bytes(data)
        file.chmod(0o600)
    spool = make_spool(now, max_bytes=16 * MIB)
    rows = {int(row.body.split(b".")[0]) for row in take_all(spool)}
    spool.close()
    return rows


@pytest.mark.parametrize("fsync", ["always", "interval", "off"])
def test_what_a_power_cut_takes_is_what_the_setting_says(fsync: str, tmp_path: Path) -> None:
    calls = record(tmp_path, fsync)
    draw = random.Random(_SEED)
    for cut in range(_CUTS):
        until = calls[: draw.randrange(len(calls))]
        now = tmp_path / f"after-{cut}"
        now.mkdir()
        found = found_after(after_a_cut(until, draw if cut % 2 else None), tmp_path, now)

        promised = safe_rows(until, fsync)
        missing = promised - found
        assert not missing, f"cut {cut} after {len(until)} calls: {sorted(missing)} of {len(promised)} are lost"
        shutil.rmtree(now)

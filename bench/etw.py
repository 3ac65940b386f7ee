"""What Windows' events cost: the callback that takes them, and a process start from the data of its two events to its
verdicts. The starts' texts are those of real ones (Sysmon's, of the corpus); nobody has recorded such starts from a
session, so the data around the texts are made as the manifests have them: Kernel-Process 1 in version 3, the kernel
logger's process event in version 4."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import corpus
from bench.builds import WINDOWS_PYTHON, native_program, windows_library
from bench.corpus import Definition
from bench.matching import TIMES, Figures, run_program
from sensor.native import parse_record

KERNEL_PROCESS = "22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716"
CLASSIC_PROCESS = "3d6fa8d0-fe05-11d0-9dda-00c04fd7ba7c"
BEGIN = 1_600_000_000_000_000_000  # ns since 1970 of the first start
FILETIME = 116_444_736_000_000_000
STEP = 2_000_000  # ns between two starts
TWIN = 100_000  # ns between the two events of one
_MATCH_NS = 2000  # what the match thread takes for a record
_RATES = ("cpu", "wall", "cpu_best", "wall_best")
# A second thread of the interpreter that called the library: it counts as long as the library works.
_WITHIN = """
import ctypes, sys, threading
made = [0]
def count():
    while True:
        made[0] += 1
if sys.argv[3] == "busy":
    threading.Thread(target=count, daemon=True).start()
main = ctypes.CDLL(sys.argv[1]).main
before = made[0]
code = main(2, (ctypes.c_char_p * 3)(b"etw", sys.argv[2].encode(), None))
counted = made[0] - before
ctypes.CDLL("msvcrt").fflush(None)
if sys.argv[3] == "busy" and not counted:
    sys.exit("the other thread did not run")
sys.exit(code)
"""
START, KERNEL_LISTED, CLASSIC_LISTED = 1, 15, 3
LEVELS = {"Untrusted": 0, "Low": 4096, "Medium": 8192, "High": 12288, "System": 16384}


def _wide(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass") + b"\0\0"


def _sid(authority: int, *sub: int) -> bytes:
    return bytes((1, len(sub))) + authority.to_bytes(6, "big") + b"".join(n.to_bytes(4, "little") for n in sub)


def _device(path: str) -> str:
    return "\\Device\\HarddiskVolume3" + path[2:] if path[1:2] == ":" else path


def _record(provider: str, number: int, version: int, time: int, data: bytes) -> bytes:
    classic = provider == CLASSIC_PROCESS
    fields = {"type": "etw", "time": time, "pid": 4, "provider": provider, "tid": 8, "id": number}
    fields |= {"version": version, "classic": int(classic), "pointer": 8, "data": data.hex()}
    return parse_record(json.dumps(fields).encode())


def _process(pid: int, parent: int, time: int, event: dict[str, Any], ids: tuple[int, int]) -> tuple[bytes, bytes]:
    """What Kernel-Process and the kernel logger say of one process."""
    image = str(event.get("Image", ""))
    data = struct.pack("<IQQIQIIII", pid, pid, time // 100 + FILETIME, parent, parent, 1, 0, 1, 0)
    data += _sid(16, LEVELS.get(str(event.get("IntegrityLevel")), 8192)) + _wide(_device(image)) + bytes(8) + bytes(4)
    user = _sid(5, 18) if "SYSTEM" in str(event.get("User")) else _sid(5, 21, 1, 2, 3, 1001)
    classic = struct.pack("<QIIIiQI", pid << 32, pid, parent, 1, 259, 0, 0) + struct.pack("<QQ", 1, 0) + user
    classic += image.rpartition("\\")[2][:15].encode("ascii", "replace") + b"\0"
    classic += _wide(str(event.get("CommandLine", ""))) + bytes(4)
    version = 3 if ids[0] == START else 1  # of the list's, with the same columns
    return (
        _record(KERNEL_PROCESS, ids[0], version, time, data),
        _record(CLASSIC_PROCESS, ids[1], 4, time + TWIN, classic),
    )


def records(events: Path) -> tuple[bytes, int]:
    """The records, and how many of them list the parents, which live before the first start."""
    parents: dict[tuple[str, str], int] = {}  # their pids
    listed: list[bytes] = []
    starts = []
    for line in events.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)["event"]
        parent = (str(event.get("ParentImage", "")), str(event.get("ParentCommandLine", "")))
        if parent not in parents:
            parents[parent] = 4 * (len(parents) + 1)
            made = {"Image": parent[0], "CommandLine": parent[1]}
            listed += _process(parents[parent], 4, BEGIN - STEP, made, (KERNEL_LISTED, CLASSIC_LISTED))
        starts.append((event, parents[parent]))
    for number, (event, of) in enumerate(starts):
        pid = 4 * (len(parents) + 1 + number)
        listed += _process(pid, of, BEGIN + number * STEP, event, (START, START))
    return b"".join(listed), 2 * len(parents)


def etw_matching(definition: Definition) -> Figures:
    """us a start: to decode and match it; each by itself, and what it takes to see what it was made to run."""
    table, loaded = corpus.compiled(corpus.rule_folder(definition))
    made, listed = records(corpus.events(definition["events"]))
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        file = Path(folder) / "records"
        file.write_bytes(made)
        found = run_program([native_program("etw_match"), table, file, str(listed), str(definition["seconds"])])
    figures: Figures = {"rules": found["rules"], "refused": len(loaded.faults)}
    figures |= {"starts": found["starts"], "hits": found["hits"]}
    figures |= {f"{name}.us": found["both"][name] / 1000 for name in TIMES}
    for part in ("decode", "match", "unwind"):
        figures |= {f"{part}.{name}.us": found[part][name] / 1000 for name in ("mean", "p50", "p99")}
    return figures


def etw_callback(_definition: Definition) -> Figures:
    """Millions of records a second, of the CPU time of the callback's thread and of time as it passes, alone and beside
    an interpreter that is busy all the time; `at_once`: while the other thread takes records as fast as it can."""
    figures: Figures = {}
    program = native_program("etw")
    for name in ("alone", "busy"):
        beside = [sys.executable, "-c", "while True: pass"] if name == "busy" else ["true"]
        with subprocess.Popen(beside) as other:
            try:
                for drain, each_ns in (("", _MATCH_NS), ("at_once.", 0)):
                    found = run_program([program, str(each_ns)])
                    figures |= {f"{name}.{drain}{part}.M_per_s": found[part] for part in _RATES}
            finally:
                other.kill()
    return figures


def etw_callback_windows(_definition: Definition) -> Figures:
    """The same as a library of Windows under wine, called by Windows' CPython: alone, and while another thread of that
    interpreter is busy all the time. By time as it passes: threads' CPU time is told there in steps of 10 ms."""
    figures: Figures = {}
    library = windows_library("etw")
    for name in ("alone", "busy"):
        for drain, each_ns in (("", _MATCH_NS), ("at_once.", 0)):
            found = run_program([WINDOWS_PYTHON, "-c", _WITHIN, library, str(each_ns), name])
            figures |= {f"{name}.{drain}{part}.M_per_s": found[part] for part in ("wall", "wall_best")}
    return figures

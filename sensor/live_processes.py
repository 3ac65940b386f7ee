"""The process table of the running sensor as bytes: for whoever asks it over its socket, and back.

one line of JSON (host, clock, names of users) ─ SN_PROCESS records, one after another ─ a size of 0: that was all
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sensor.clock import boot_to_epoch_ns
from sensor.errors import LinsangError
from sensor.live import Live
from sensor.native import record_json
from sensor.runtime import ask

_BLOCK = 1 << 16
END = bytes(4)


class Table(NamedTuple):
    """What was known of processes: records as maps (record_json), times of the clock of the boot, oldest first."""

    processes: list[dict[str, Any]]
    host: str
    boot_to_epoch_ns: int
    users: dict[int, str]


def live_processes(live: Live) -> Iterator[bytes]:
    """The answer, in blocks. Any thread, one at a time."""
    head = {"host": socket.gethostname(), "boot_to_epoch_ns": boot_to_epoch_ns(), "users": live.source.users}
    yield json.dumps(head).encode() + b"\n"
    block = b""
    for record in live.engine.export():
        block += record
        if len(block) >= _BLOCK:
            yield block
            block = b""
    yield block + END


def ask_processes(folder: str) -> Table:
    """The table of the sensor of `folder`. NotRunning: there is none; LinsangError: it broke off."""
    return _parsed(ask(folder, "processes"), folder)


def _parsed(blocks: Iterable[bytes], folder: str) -> Table:
    head, _, records = b"".join(blocks).partition(b"\n")
    try:
        known = json.loads(head)
        processes, at = [], 0
        while (size := records[at : at + 4]) != END:
            at, begin = at + int.from_bytes(size, "little"), at
            if at == begin or at > len(records):
                raise ValueError("cut off")
            processes.append(record_json(records[begin:at]))
    except ValueError:
        raise LinsangError(f"the sensor in {folder} ended while it answered", "ask again") from None
    users = {int(uid): str(name) for uid, name in known["users"].items()}
    return Table(processes, str(known["host"]), int(known["boot_to_epoch_ns"]), users)

"""Connections that are open at the start, as SN_SOCKET records, from sock_diag of this network namespace.

pyroute2 costs 24 MiB, so it is loaded in a child process: this module's main(). Whose a socket is, the kernel does not
say there; it is found among the descriptors in /proc.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from sensor.errors import LinsangError, Unsupported
from sensor.interruption import end_with_reader
from sensor.native import ffi, lib
from sensor.sources import procfs

# include/net/tcp_states.h; a connected UDP socket is "established" too.
_ESTABLISHED, _SYN_SENT, _LISTEN = 1, 2, 10
_SIZE = ffi.sizeof("struct sn_connect")
_NO_LIBRARY = 3


class OpenSockets:
    """Asks at once and reads later: pyroute2 takes its time."""

    def __init__(self) -> None:
        self._child = subprocess.Popen([sys.executable, "-P", "-m", __name__], stdout=subprocess.PIPE)

    def records(self, starts: Mapping[int, int]) -> Iterator[bytes]:
        """SN_SOCKET records of the processes in `starts` (pid: start time, ns). Unsupported without pyroute2."""
        content = self._child.communicate()[0]
        if self._child.returncode == _NO_LIBRARY:
            raise Unsupported("finding open sockets without pyroute2", "pip install 'linsang[linux]'")
        if self._child.returncode:
            raise LinsangError("open sockets could not be listed")
        for at in range(0, len(content), _SIZE):
            record = ffi.new("struct sn_connect *")
            ffi.memmove(record, content[at : at + _SIZE], _SIZE)
            if record.h.pid in starts:
                record.h.start = starts[record.h.pid]
                yield bytes(ffi.buffer(record))


# ---- the child ----


def _owners() -> dict[int, int]:
    """Inode of a socket -> a process that has it open."""
    owners: dict[int, int] = {}
    for pid in procfs.pids():
        with suppress(OSError):
            for fd in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    target = os.readlink(f"/proc/{pid}/fd/{fd}")
                    if target.startswith("socket:["):
                        owners.setdefault(int(target[8:-1]), pid)
    return owners


def _record(message: Mapping[str, Any], family: int, protocol: int, pid: int) -> bytes:
    record = ffi.new("struct sn_connect *")
    h = record.h
    h.size, h.type, h.cpu, h.pid, h.time = _SIZE, lib.SN_SOCKET, lib.SN_CPU_NONE, pid, procfs.boottime_ns()
    record.family, record.protocol, record.uid = family, protocol, message["idiag_uid"]
    record.cookie = message["idiag_cookie"]
    record.sport, record.dport = message["idiag_sport"], message["idiag_dport"]
    for name in ("src", "dst"):
        raw = socket.inet_pton(family, message[f"idiag_{name}"])
        if family == socket.AF_INET6 and raw.startswith(bytes(10) + b"\xff\xff"):  # v4-mapped
            record.family, raw = socket.AF_INET, raw[12:]
        setattr(record, "saddr" if name == "src" else "daddr", list(raw.ljust(16, b"\0")))
    return bytes(ffi.buffer(record))


def _outbound(messages: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those whose own port nobody listens on."""
    listening = {m["idiag_sport"] for m in messages if m["idiag_state"] == _LISTEN}
    connected = {_ESTABLISHED, _SYN_SENT}
    return [m for m in messages if m["idiag_state"] in connected and m["idiag_sport"] not in listening]


def main() -> int:
    """Writes the records to standard output; the start times are not known here."""
    try:
        from pyroute2 import DiagSocket  # noqa: PLC0415 - see above
    except ImportError:
        return _NO_LIBRARY
    states = 1 << _ESTABLISHED | 1 << _SYN_SENT | 1 << _LISTEN
    owners = _owners()
    with DiagSocket() as diag:
        diag.bind()
        for protocol in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
            answers = {f: diag.get_sock_stats(f, states, protocol) for f in (socket.AF_INET, socket.AF_INET6)}
            listed = [(dict(m) | {"family": f}) for f, messages in answers.items() for m in messages]
            for message in _outbound([m for m in listed if "idiag_state" in m]):
                pid = owners.get(message["idiag_inode"])
                if pid is not None:
                    sys.stdout.buffer.write(_record(message, message["family"], protocol, pid))
    return 0


if __name__ == "__main__":
    end_with_reader()
    raise SystemExit(main())

"""The process connector as a source: fork, exec and exit without BPF, described by what /proc still says.

Lower fidelity: what ends before it is looked up has no image and no arguments (its rules are undecidable), connections
are not seen, start times have the resolution of a clock tick. Every record is flagged SN_F_REDUCED.
"""

from __future__ import annotations

import errno
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sensor.closing import Closing
from sensor.errors import Unsupported
from sensor.native import Engine, ffi, lib
from sensor.sources import procfs

_RECEIVE_BYTES = 8 << 20
_PACKET = 1 << 16
_STOP_AFTER_S = 0.2
_SO_RCVBUFFORCE = 33  # include/uapi/asm-generic/socket.h
# include/uapi/linux/connector.h, include/uapi/linux/cn_proc.h
_NETLINK_CONNECTOR, _CN_IDX_PROC = 11, 1
_FORK, _EXEC, _EXIT = 1, 2, 0x80000000
_SEQ_MASK = 0xFFFFFFFF


class _Numbers:
    """The kernel numbers the connector's events by CPU, those included that make no record here. The records' own
    numbers have a gap where the kernel's have one."""

    def __init__(self) -> None:
        self.lost = 0
        self._kernel: dict[int, int] = {}
        self._own: dict[int, int] = {}

    def arrived(self, cpu: int, seq: int) -> None:
        expected = self._kernel.get(cpu, seq)
        self._kernel[cpu] = seq + 1 & _SEQ_MASK
        gap = seq - expected & _SEQ_MASK
        self.lost += gap
        self._own[cpu] = self._own.get(cpu, 0) + gap

    def take(self, cpu: int) -> int:
        number = self._own[cpu]
        self._own[cpu] = number + 1
        return number


class ProcConnector(Closing):
    """Listens from the start on, hands records to `engine` while `run` runs. Unsupported without pyroute2 or where the
    kernel refuses."""

    def __init__(self, engine: Engine) -> None:
        try:
            from pyroute2.netlink import NLMSG_DONE  # noqa: PLC0415 - 24 MiB that the other source does without
            from pyroute2.netlink.connector import cn_proc  # noqa: PLC0415
        except ImportError:
            raise Unsupported("the process connector without pyroute2", "pip install 'linsang[linux]'") from None
        self._engine = engine
        self._marshal = cn_proc.ProcEventMarshal()
        self._numbers = _Numbers()
        self._starts: dict[int, int] = {}
        self.made = 0  # records
        self.overruns = 0  # the kernel's queue was full; how many events, the numbers say
        self.gone = 0  # ended before they could be looked up
        self._clock = procfs.boottime_ns() - time.monotonic_ns()
        self._stopping = threading.Event()
        listen = cn_proc.proc_event_control()
        listen["action"], listen["idx"], listen["val"] = cn_proc.PROC_CN_MCAST_LISTEN, _CN_IDX_PROC, _CN_IDX_PROC
        listen["len"] = 4
        listen["header"]["type"] = NLMSG_DONE
        listen.encode()
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_CONNECTOR)
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BYTES)
            self._socket.bind((0, _CN_IDX_PROC))
            self._socket.send(bytes(listen.data))
        except OSError as error:
            raise Unsupported(f"the process connector ({error.strerror})", "run as root") from None

    @property
    def lost(self) -> int:
        """Events of the connector that did not arrive, of whatever kind."""
        return self._numbers.lost

    def stats(self) -> dict[str, int]:
        """All its counters: records made, events lost, times that the kernel's queue was full, processes that had ended
        before they could be looked up."""
        return {"made": self.made, "lost": self.lost, "overruns": self.overruns, "gone": self.gone}

    def run(self) -> None:
        """Until stop(); what had arrived by then is handed over."""
        while True:
            stopping = self._stopping.is_set()
            ready = select.select([self._socket], [], [], 0 if stopping else _STOP_AFTER_S)[0]
            if ready:
                self._receive()
            elif stopping:
                return

    def stop(self) -> None:
        """Ends run(); any thread may call it."""
        self._stopping.set()

    def close(self) -> None:
        """Lets go of the socket. After run() has returned."""
        self._socket.close()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(_PACKET)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            self.overruns += 1
            return
        make: dict[int, Callable[[Any], Any]] = {_FORK: self._fork, _EXEC: self._exec, _EXIT: self._exit}
        for message in self._marshal.parse(data):
            if "cpu" not in message:
                continue
            self._numbers.arrived(message["cpu"], message["seq"])
            record = make[message["what"]](message) if message["what"] in make else None
            if record is not None:
                self._push(record, message)

    def _push(self, record: Any, message: Any) -> None:
        """`record` is a cdata struct, or the bytes of one with texts."""
        content = ffi.new("uint64_t[]", (ffi.sizeof(record[0]) if not isinstance(record, bytes) else len(record)) // 8)
        raw = ffi.buffer(content)
        raw[:] = record if isinstance(record, bytes) else bytes(ffi.buffer(record))
        h = ffi.cast("struct sn_header *", content)
        h.cpu, h.seq = message["cpu"], self._numbers.take(message["cpu"])
        h.time = message["timestamp_ns"] + self._clock
        self.made += 1
        self._engine.push(bytes(raw))  # it counts what finds no room

    def _start_of(self, pid: int) -> int:
        """0 when it is gone and was never seen."""
        with suppress(ProcessLookupError):
            self._starts[pid] = procfs.start_ns(pid)
        return self._starts.get(pid, 0)

    def _header(self, record: Any, kind: int, pid: int) -> None:
        h = record.h
        h.size, h.type, h.pid, h.start = ffi.sizeof(record[0]), kind, pid, self._start_of(pid)
        h.flags = lib.SN_F_REDUCED

    def _fork(self, message: Any) -> Any:
        if message["child_pid"] != message["child_tgid"]:
            return None  # a thread
        record = ffi.new("struct sn_fork *")
        self._starts.pop(message["child_tgid"], None)
        self._header(record, lib.SN_FORK, message["child_tgid"])
        if not record.h.start:
            self.gone += 1
            return None
        # the connector names the real parent, which is the creator but for CLONE_PARENT
        record.ppid = record.creator_pid = message["parent_tgid"]
        record.parent_start = record.creator_start = self._start_of(message["parent_tgid"])
        return record

    def _exec(self, message: Any) -> Any:
        pid = message["process_tgid"]
        try:
            described = procfs.describe(pid, lib.SN_EXEC)
            self._starts[pid] = described.h.start
            return procfs.with_texts(described)
        except (ProcessLookupError, KeyError):
            self.gone += 1
        record = ffi.new("struct sn_exec *")
        self._header(record, lib.SN_EXEC, pid)
        record.h.flags |= lib.SN_F_ARGV_UNREADABLE
        return record

    def _exit(self, message: Any) -> Any:
        if message["process_pid"] != message["process_tgid"]:
            return None
        record = ffi.new("struct sn_exit *")
        start = self._starts.pop(message["process_tgid"], 0)
        if not start:
            return None
        self._header(record, lib.SN_EXIT, message["process_tgid"])
        record.h.start = start
        self._starts.pop(message["process_tgid"], None)
        # a wait status: include/uapi/linux/wait.h
        record.code, record.signal = message["exit_code"] >> 8 & 0xFF, message["exit_code"] & 0x7F
        record.h.flags |= lib.SN_F_CORE_DUMPED if message["exit_code"] & 0x80 else 0
        return record

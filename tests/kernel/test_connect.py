"""Outbound connections: 23 of each kind give 23 records of the attempt, and of TCP 23 of the outcome."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from errno import ECONNREFUSED
from pathlib import Path

import pytest
from ring_reader import Record, Watch

COUNT = 23
MISSING = 77
V4, V6 = socket.AF_INET, socket.AF_INET6
TCP, UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP
HERE_4, HERE_6 = "127.0.0.1", "::1"


@dataclass(frozen=True)
class Kind:
    """What a kind of `connects` gives. `outcome` None: none is known; `listen`: on which family a server must be."""

    name: str
    family: int = V4
    address: str = HERE_4
    protocol: int = TCP
    outcome: int | None = 0
    attempts: int = COUNT
    listen: int | None = V4
    # A network namespace of its own has no route to anywhere.
    prefix: tuple[str, ...] = ()


KINDS = (
    Kind("tcp4"),
    Kind("tcp6", V6, HERE_6, listen=V6),
    Kind("tcp4_any"),
    Kind("tcp6_any", V6, HERE_6, listen=V6),
    Kind("udp4", protocol=UDP, outcome=None),
    Kind("udp6", V6, HERE_6, protocol=UDP, outcome=None),
    Kind("unconnected", attempts=0),
    Kind("tcp_mapped"),
    Kind("udp_mapped", protocol=UDP, outcome=None),
    Kind("nonblocking"),
    Kind("uring"),
    Kind("compat32"),
    Kind("mptcp"),
    Kind("fast_open"),
    Kind("refused", outcome=ECONNREFUSED, listen=None),
    Kind("unreachable", address="203.0.113.1", outcome=None, listen=None, prefix=("unshare", "--net")),
    Kind("unix", attempts=0),
    Kind("disconnect", attempts=0),
)


@contextmanager
def port_for(family: int | None) -> Iterator[int]:
    """A port of the loopback address that listens on `family`; with None, one where nobody does."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket(family or V4, socket.SOCK_STREAM))
        server.bind(("::1" if family == V6 else "127.0.0.1", 0))
        if family:
            server.setsockopt(TCP, socket.TCP_FASTOPEN, 64)
            server.listen(2 * COUNT)
        yield server.getsockname()[1]


def address(record: Record, name: str) -> str:
    raw = getattr(record, name)
    return socket.inet_ntop(record.family, raw[:4] if record.family == V4 else raw)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_attempt_is_seen_once(watch: Watch, program: Callable[[str], Path], kind: Kind) -> None:
    connects = program("connects")
    with port_for(kind.listen) as port:
        command = [*kind.prefix, str(connects), kind.name, str(COUNT), str(port)]
        status: list[int] = []
        records = watch.events(lambda: status.append(subprocess.run(command, check=False).returncode))
    if status == [MISSING]:
        pytest.skip(f"this kernel has no {kind.name}")
    assert status == [0]
    attempts = [r for r in records if r.type == "SN_CONNECT"]
    outcomes = [r for r in records if r.type == "SN_CONNECT_RESULT"]
    exec_record = next(r for r in records if r.type == "SN_EXEC" and r.image == watch.seen(connects))

    assert len(attempts) == kind.attempts
    assert len({r.cookie for r in attempts}) == kind.attempts
    for r in attempts:
        assert (r.family, r.protocol, r.dport) == (kind.family, kind.protocol, port)
        assert address(r, "daddr") == kind.address
        assert (r.pid, r.start, r.uid) == (exec_record.pid, exec_record.start, os.getuid())
        assert (r.latency, r.error) == (0, 0)
    expected = kind.attempts if kind.outcome is not None else 0
    assert len(outcomes) == expected
    if expected:
        assert {r.cookie for r in outcomes} == {r.cookie for r in attempts}
    for r in outcomes:
        assert (r.family, r.protocol, r.dport, r.error) == (kind.family, TCP, port, kind.outcome)
        assert address(r, "daddr") == address(r, "saddr") == kind.address
        assert (r.pid, r.start, r.uid) == (exec_record.pid, exec_record.start, os.getuid())
        assert r.sport
        assert r.latency

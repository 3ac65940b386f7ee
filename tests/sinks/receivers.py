"""What the tests send and who receives it: alerts, a real rsyslog on loopback."""

from __future__ import annotations

import contextlib
import random
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensor.errors import Unsupported

PATIENCE_S = 60.0  # a busy machine's

HOSTILE = 'caf\u00e9 \u65e5\u672c \x1b[31m \udcff\udc80 \u202e \u2028 \x85 "quoted" back\\slash ]bracket\n\t\x00'

CONFIG = """
global(workDirectory="{folder}" maxMessageSize="256k")
module(load="imudp")
module(load="imtcp")
input(type="imudp" address="127.0.0.1" port="{udp}")
input(type="imtcp" address="127.0.0.1" port="{tcp}")
template(name="whole" type="list") {{
  property(name="jsonmesg") constant(value="\\n")
}}
action(type="omfile" file="{out}" template="whole" asyncWriting="off" flushOnTXEnd="on")
"""


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of `condition`; a failure that says `what` was waited for."""
    end = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        if time.monotonic() > end:
            pytest.fail(f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.005)
    return value


def free_port(kind: int) -> int:
    """One that the kernel gives to nobody who asks for any: it stays free while nobody has it."""
    first, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    while True:
        with socket.socket(socket.AF_INET, kind) as sock, contextlib.suppress(OSError):
            port = random.randrange(1024, first)
            sock.bind(("127.0.0.1", port))
            return port


class Rsyslog:
    """rsyslogd in the foreground; `lines` are its own account of each message, in JSON."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "out.log"
        self.udp = free_port(socket.SOCK_DGRAM)
        self.tcp = free_port(socket.SOCK_STREAM)
        self._folder = folder
        config = folder / "rsyslog.conf"
        config.write_text(CONFIG.format(folder=folder, udp=self.udp, tcp=self.tcp, out=self.out))
        self.start()

    def start(self) -> None:
        binary = shutil.which("rsyslogd") or shutil.which("rsyslogd", path="/usr/sbin")
        if not binary:
            pytest.skip(str(Unsupported("rsyslogd", "install rsyslog")))
        pid_file = self._folder / "pid"
        self.process = subprocess.Popen(
            [binary, "-n", "-f", str(self._folder / "rsyslog.conf"), "-i", str(pid_file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._listens, "rsyslog to listen")

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.tcp), 1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)

    @property
    def lines(self) -> list[str]:
        """Whole ones: a long line is written in pieces."""
        written = self.out.read_bytes() if self.out.exists() else b""
        return written[: written.rfind(b"\n") + 1].decode().splitlines()


def alert(number: int = 0, text: str = "id", **more: Any) -> dict[str, Any]:
    return {
        "rule": {"id": "11111111-2222-3333-4444-555555555555", "title": "t", "level": "high", "tags": ["attack.t1218"]},
        "verdict": "match",
        "event": {"seq": number, "cpu": 1},
        "time": 1_700_000_000_123_456_789 + number,
        "host": "web1",
        "fields": {"CommandLine": text},
        "process": {"pid": 7, "command_line": text, "argv": text.split(" ")},
        "lineage": [{"pid": 1, "image": "/sbin/init", "command_line": "init"}],
        **more,
    }


def readable(sock: socket.socket) -> bool:
    return bool(select.select([sock], [], [], PATIENCE_S)[0])

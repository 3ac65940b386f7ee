"""What a service tells systemd."""

import os
import socket
import sys
from pathlib import Path

import pytest

from sensor.systemd import ALIVE, READY, Manager

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux")


@pytest.mark.parametrize("abstract", [False, True], ids=["file", "abstract"])
def test_it_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    name = f"@linsang-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(name.replace("@", "\0"))
        heard.settimeout(60)
        manager = Manager()
        manager.tell(READY)
        manager.tell(ALIVE)
        assert [heard.recv(64), heard.recv(64)] == [b"READY=1", b"WATCHDOG=1"]
    assert "NOTIFY_SOCKET" not in os.environ


def test_one_that_is_busy_or_gone_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    manager = Manager()
    manager.tell(READY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "notify"))
        for _ in range(int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text()) + 2):
            manager.tell(ALIVE)
    manager.tell(ALIVE)
    Manager().tell(READY)  # nobody asked

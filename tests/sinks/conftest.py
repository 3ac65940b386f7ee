"""Receivers: a real rsyslog, a socket that nobody reads, a pipe."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from receivers import Rsyslog


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Rsyslog]:
    server = Rsyslog(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def silent_tcp() -> Iterator[socket.socket]:
    """A listening socket that nobody accepts from or reads."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        yield server


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    if sys.platform == "win32":
        pytest.skip("how a pipe fills up is Linux' own")
    reader, writer = os.pipe()
    yield reader, writer
    for fd in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(fd)

"""`syslog+udp://HOST:PORT` and `syslog+tcp://HOST:PORT[?facility=&app=&max_bytes=]`: RFC 5424 messages.

UDP (RFC 5426): one datagram each, at most `max_bytes`. TCP (RFC 6587): octet counting. A broken connection is made
again with growing pauses, and a message that was not written whole is sent again whole. TCP's own buffers are beyond
our sight: what was written to a peer that then died may be lost, and syslog has no acknowledgement to tell.
"""

import errno
import select
import socket
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from sensor.sinks.base import Sink, Target, Transport
from sensor.sinks.rfc5424 import FACILITIES, Format, local_host

OPTIONS = ("facility", "app", "max_bytes", "queue", "queue_bytes")
PORT = 514
# What rsyslog takes by default (iMaxLine); RFC 5426 asks receivers for 2048 at least.
UDP_MAX_BYTES = 8096
MAX_BYTES_LEAST = 2560  # header and structured data are below 512, the smallest cut alert below 2048
CONNECT_TIMEOUT_S = 5.0
# A datagram that is not refused within so long was taken, or nobody will ever say.
REFUSAL_S = 0.2
# An interrupted send gives up after so long without progress.
STALL_S = 0.5
# The kernel gives a connection up when what was sent stays unacknowledged for so long (also with a closed window).
USER_TIMEOUT_MS = 60_000


class UdpTransport(Transport):
    """Datagrams to a connected socket, so that the receiver's ICMP errors are heard. A refusal answers the datagram
    before: that one is sent again, to the host's next address, until it is answered by silence; what else was under way
    is lost."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._last = b""
        self._refused = 0
        self._doubtful = False  # the last one was refused

    def send(self, frames: Sequence[bytes]) -> int:
        sock = self._socket or self._connect()
        try:
            if self._doubtful:
                self._try_last(sock)
            sock.send(frames[0])
        except (ConnectionRefusedError, ConnectionResetError):  # Linux' word for it, and Windows'
            self._refused += 1
            self._doubtful = bool(self._last)
            self.close()
            raise
        self._last = frames[0]
        return 1

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def counters(self) -> dict[str, int]:
        return {"refused": self._refused}

    def _try_last(self, sock: socket.socket) -> None:
        sock.send(self._last)
        with suppress(TimeoutError):  # silence: as good as taken
            sock.recv(1)  # raises the refusal; no receiver says anything else
        self._doubtful = False

    def _connect(self) -> socket.socket:
        known = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)
        family, kind, proto, _, address = known[self._refused % len(known)]
        sock = socket.socket(family, kind, proto)
        sock.settimeout(REFUSAL_S)
        try:
            sock.connect(address)
        except OSError:
            sock.close()
            raise
        self._socket = sock
        return sock


class TcpTransport(Transport):
    """Octet-counted messages over one connection at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._connects = 0
        self._closing = False

    def send(self, frames: Sequence[bytes]) -> int:
        sock = self._socket or self._connect()
        if self._peer_is_gone(sock):
            self.close()
            raise OSError(errno.ECONNRESET, "the receiver closed the connection")
        done = 0
        try:
            for frame in frames:
                self._send_whole(sock, b"%d " % len(frame) + frame)
                done += 1
        except OSError:
            self.close()
            if not done:
                raise
        return done

    def idle(self) -> None:
        if self._socket and self._peer_is_gone(self._socket):
            self.close()

    def interrupt(self) -> None:
        self._closing = True

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def counters(self) -> dict[str, int]:
        return {"reconnects": max(0, self._connects - 1)}

    def _connect(self) -> socket.socket:
        sock = socket.create_connection(self._address, timeout=CONNECT_TIMEOUT_S)
        sock.settimeout(STALL_S)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        self._socket = sock
        self._connects += 1
        return sock

    def _send_whole(self, sock: socket.socket, data: bytes) -> None:
        """A receiver may be as slow as it likes, until the sink is closing: then STALL_S without progress end it."""
        view = memoryview(data)
        while view:
            try:
                view = view[sock.send(view) :]
            except TimeoutError:
                if self._closing:
                    raise

    @staticmethod
    def _peer_is_gone(sock: socket.socket) -> bool:
        """The receiver has closed its side: what we write now would be lost without an error. Syslog receivers say
        nothing, so anything else that is readable is thrown away."""
        try:
            while select.select([sock], [], [], 0)[0]:
                if not sock.recv(4096):
                    return True
        except OSError:
            return True
        return False


def open_syslog_udp(target: Target) -> Sink:
    """The sink for `syslog+udp://HOST:PORT`."""
    host, port = _address(target)
    form = _format(target, UDP_MAX_BYTES)
    limits = target.take_limits()
    target.nothing_left(OPTIONS)
    return Sink(target.url, UdpTransport(host, port), form.encode, limits)


def open_syslog_tcp(target: Target) -> Sink:
    """The sink for `syslog+tcp://HOST:PORT`; it need not be reachable yet."""
    host, port = _address(target)
    form = _format(target, 0)
    limits = target.take_limits()
    target.nothing_left(OPTIONS)
    return Sink(target.url, TcpTransport(host, port), form.encode, limits)


def _format(target: Target, max_bytes: int) -> Format:
    facility = target.take("facility", "authpriv", tuple(FACILITIES))
    app = target.take("app", "linsang")
    limit = target.take_number("max_bytes", max_bytes)
    if 0 < limit < MAX_BYTES_LEAST:
        raise target.fail(f"max_bytes={limit} is too small", f"give {MAX_BYTES_LEAST} or more, or 0 for no bound")
    return Format(FACILITIES[facility], app, local_host(), limit)


def _address(target: Target) -> tuple[str, int]:
    try:
        parts = urlsplit(target.url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise target.fail(str(error), f"write {target.scheme}://HOST:PORT") from error
    if not host or parts.path not in {"", "/"}:
        raise target.fail(
            "no host" if not host else f"`{parts.path}` after the host", f"write {target.scheme}://HOST:PORT"
        )
    return host, PORT if port is None else port

"""syslog+udp and syslog+tcp against a real rsyslog, against nobody, and against one who never reads."""

from __future__ import annotations

import json
import re
import socket

import pytest
from receivers import HOSTILE, PATIENCE_S, Rsyslog, alert, readable, until

from sensor.encode import to_json
from sensor.errors import UsageError
from sensor.sinks import open_sink

MESSAGE = re.compile(
    r"<(?P<pri>\d+)>1 (?P<time>\S+) (?P<host>\S+) (?P<app>\S+) (?P<procid>\S+) (?P<msgid>\S+) "
    r"(?P<sd>\[linsang@32473(?: \w+=\"(?:[^\"\\\]]|\\.)*\")+\]) \ufeff(?P<json>\{.*\})",
    re.S,
)


def frames_of(data: bytes) -> list[bytes]:
    """Octet-counted messages (RFC 6587)."""
    frames = []
    while data:
        size, _, rest = data.partition(b" ")
        assert len(rest) >= int(size)
        frames.append(rest[: int(size)])
        data = rest[int(size) :]
    return frames


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_rsyslog_receives_everything(rsyslog: Rsyslog, scheme: str) -> None:
    sent = [alert(n, HOSTILE if n % 2 else "x" * n) for n in range(101)]
    sink = open_sink(f"syslog+{scheme}://127.0.0.1:{getattr(rsyslog, scheme)}?facility=local3&app=sensor")
    for one in sent:
        assert sink.put(one)
    assert sink.close(PATIENCE_S)
    until(lambda: len(rsyslog.lines) >= len(sent), "all messages")
    seen = {}
    for line in rsyslog.lines:
        message = json.loads(line)
        assert (message["hostname"], message["programname"]) == ("web1", "sensor")
        assert (message["syslogfacility"], message["syslogseverity"]) == ("19", "3")
        assert message["structured-data"].startswith('[linsang@32473 rule="11111111-')
        body = json.loads(message["msg"].removeprefix("\ufeff"))
        seen[body["event"]["seq"]] = body
    assert seen == {one["event"]["seq"]: json.loads(to_json(one)) for one in sent}
    assert sink.counters()["sent"] == len(sent)


def test_tcp_carries_a_long_alert_whole(rsyslog: Rsyslog) -> None:
    sink = open_sink(f"syslog+tcp://127.0.0.1:{rsyslog.tcp}")
    one = alert(1, "y" * 32768)
    sink.put(one)
    assert sink.close(PATIENCE_S)
    until(lambda: rsyslog.lines, "the message")
    assert json.loads(json.loads(rsyslog.lines[0])["msg"].removeprefix("\ufeff")) == json.loads(to_json(one))


def test_tcp_survives_a_restart_of_the_receiver(rsyslog: Rsyslog) -> None:
    sink = open_sink(f"syslog+tcp://127.0.0.1:{rsyslog.tcp}")
    for n in range(23):
        sink.put(alert(n))
    until(lambda: len(rsyslog.lines) == 23, "the first part")
    rsyslog.stop()
    for n in range(23, 46):
        sink.put(alert(n))
    until(lambda: sink.counters()["errors"], "the sink to notice")
    rsyslog.start()
    until(lambda: len(rsyslog.lines) == 46, "the second part")
    assert sink.close(PATIENCE_S)
    counters = sink.counters()
    assert (counters["sent"], counters["dropped"], counters["reconnects"]) == (46, {}, 1)


def test_message_is_rfc_5424() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        sink = open_sink(f"syslog+udp://127.0.0.1:{server.getsockname()[1]}")
        one = alert(3)
        one["rule"] = {**one["rule"], "id": 'odd "id]\\', "level": "critical"}
        one["host"] = "h\u00f6st name"
        sink.put(one)
        assert sink.close(PATIENCE_S)
        data = server.recv(65536)
    found = MESSAGE.fullmatch(data.decode("utf-8"))
    assert found
    assert (found["pri"], found["time"]) == (str(10 * 8 + 2), "2023-11-14T22:13:20.123456Z")
    assert (found["host"], found["app"], found["msgid"]) == ("hstname", "linsang", "alert")
    assert found["sd"] == '[linsang@32473 rule="odd \\"id\\]\\\\" level="critical" verdict="match" seq="3" cpu="1"]'
    assert json.loads(found["json"]) == json.loads(to_json(one))


@pytest.mark.parametrize(
    ("text", "limit", "dropped"),
    [
        ("a b " * 400, 8096, ["lineage"]),
        ("a " * 2000, 8096, ["lineage", "process.argv"]),
        ("z" * 60000, 8096, ["lineage", "process.argv"]),
        (HOSTILE * 2000, 2560, ["lineage", "process.argv"]),
    ],
)
def test_udp_is_cut_in_the_defined_order_and_says_so(text: str, limit: int, dropped: list[str]) -> None:
    one = alert(1, text, lineage=[{"pid": n, "command_line": "x" * 100} for n in range(10)])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        sink = open_sink(f"syslog+udp://127.0.0.1:{server.getsockname()[1]}?max_bytes={limit}")
        sink.put(one)
        assert sink.close(PATIENCE_S)
        data = server.recv(65536)
    assert len(data) <= limit
    found = MESSAGE.fullmatch(data.decode("utf-8"))
    assert found
    body = json.loads(found["json"])
    assert 'cut="' in found["sd"]
    assert body["cut"]["dropped"] == dropped
    assert body["cut"]["bytes"] == len(to_json(one))
    assert body["rule"]["id"] == one["rule"]["id"]
    assert body["fields"]["CommandLine"] == text or f"...[{len(text)}]..." in body["fields"]["CommandLine"]


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_a_dead_receiver_delays_nobody_and_is_counted(scheme: str, tmp_path: object) -> None:
    kind = socket.SOCK_STREAM if scheme == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as held:
        held.bind(("127.0.0.1", 0))  # bound, not listening: nobody else gets the port
        port = held.getsockname()[1]
        if scheme == "udp":
            held.connect(("127.0.0.1", 9))  # and nobody else's datagrams are taken here: they are refused
        dead = open_sink(f"syslog+{scheme}://127.0.0.1:{port}?queue=10")
        good = open_sink(f"file:{tmp_path}/out")
        for n in range(100):
            dead.put(alert(n))
            assert good.put(alert(n))
        assert good.close(PATIENCE_S)
        assert good.counters()["sent"] == 100
        until(lambda: dead.counters()["errors"], "an error")
        dead.close(0.1)
        counters = dead.counters()
        assert counters["last_error"] == "Connection refused"
        dropped = counters["dropped"]
        assert isinstance(dropped, dict)
        sent = int(scheme == "udp")  # the one whose refusal said that nobody is there
        assert counters["sent"] == sent
        assert sent + sum(dropped.values()) == 100
        assert dropped["unsent_at_close"] in {10 - sent, 10}  # that one went before the queue was full, or after


def numbers_in(receiver: socket.socket) -> list[int]:
    """Of the alerts that arrive from now on, as many as `test_udp_waits_for_its_receiver` sends."""
    receiver.settimeout(PATIENCE_S)
    return [json.loads(receiver.recv(65536).partition(b"\xef\xbb\xbf")[2])["event"]["seq"] for _ in range(20)]


def test_udp_waits_for_its_receiver() -> None:
    """A host's second address is tried where the first refuses; nothing is lost while nobody is there."""
    family, *_, address = socket.getaddrinfo("localhost", 0, type=socket.SOCK_DGRAM)[-1]
    with socket.socket(family, socket.SOCK_DGRAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
        address = held.getsockname()
        held.connect((address[0], 9))  # it keeps the port, and takes nobody else's datagrams

        def receiver() -> socket.socket:
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
            return sock

        sink = open_sink(f"syslog+udp://localhost:{address[1]}")
        with receiver() as first:
            for n in range(20):
                sink.put(alert(n))
            assert numbers_in(first) == list(range(20))
        for n in range(20, 40):
            sink.put(alert(n))
        until(lambda: int(str(sink.counters()["refused"])) > 2, "refusals")
        with receiver() as second:
            assert numbers_in(second) == list(range(20, 40))
            assert sink.close(PATIENCE_S)


def test_a_receiver_that_never_reads(silent_tcp: socket.socket, tmp_path: object) -> None:
    """18 MB are more than the kernel's buffers take (4 MiB at most, tcp(7)), so some are stuck in the queue."""
    port = silent_tcp.getsockname()[1]
    slow = open_sink(f"syslog+tcp://127.0.0.1:{port}?queue=300&queue_bytes=100000000")
    good = open_sink(f"file:{tmp_path}/out")
    for n in range(300):
        assert slow.put(alert(n, "w" * 20000))
        assert good.put(alert(n))
    assert good.close(PATIENCE_S)
    assert not slow.close(0.2)
    counters = slow.counters()
    assert counters["dropped"] == {"unsent_at_close": 300 - int(str(counters["sent"]))}


def test_what_was_not_written_is_sent_again_whole(silent_tcp: socket.socket) -> None:
    """The first connection dies with a message half written; the second one starts with that message, whole."""
    silent_tcp.settimeout(PATIENCE_S)
    sink = open_sink(f"syslog+tcp://127.0.0.1:{silent_tcp.getsockname()[1]}?queue_bytes=10000000")
    one = alert(5, "v" * 2_000_000)
    assert sink.put(one)
    first, _ = silent_tcp.accept()
    assert readable(first)
    first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    first.close()
    second, _ = silent_tcp.accept()
    with second:
        data = b""
        while not data or len(data) < int(data.split(b" ")[0]) + 8:
            data += second.recv(1 << 20)
        assert sink.close(PATIENCE_S)
        assert not second.recv(1)
    [frame] = frames_of(data)
    assert json.loads(frame.split(b"\xef\xbb\xbf")[1]) == json.loads(to_json(one))


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("gopher://x", "unknown scheme `gopher`; known are stdout, file, syslog+udp, syslog+tcp"),
        ("nothing", "no scheme"),
        ("syslog+tcp://", "no host"),
        ("syslog+tcp://h:99999", "Port out of range"),
        ("syslog+udp://h:1?facilty=auth", "unknown option `facilty`; did you mean `facility`?"),
        ("syslog+udp://h:1?facility=x", "facility=x is unknown; known are kern, user"),
        ("syslog+udp://h:1?max_bytes=100", "max_bytes=100 is too small; give 2560"),
        ("stdout:?format=xml", "format=xml is unknown; known are json, pretty, msgpack"),
        ("file:", "no path"),
        ("file:/tmp/x?rotate_bytes=-1", "rotate_bytes=-1 is wrong"),
        ("stdout:foo", "`foo` after stdout:"),
    ],
)
def test_wrong_urls(url: str, text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(text)):
        open_sink(url)


def test_who_waits_for_an_output_can_give_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor.sinks.base._HURRIED_S", 0.0)
    with socket.socket() as nobody:  # bound, does not listen: refuses
        nobody.bind(("127.0.0.1", 0))
        sink = open_sink(f"syslog+tcp://127.0.0.1:{nobody.getsockname()[1]}?queue=1")
        asked: list[object] = []
        sink.hurried = lambda: asked.append(sink.counters()["last_error"]) or len(asked) > 2
        assert sink.put(alert(1), wait=True)
        assert not sink.put(alert(2), wait=True)
        assert not sink.close(3600.0)
    assert asked[-1] == "Connection refused"
    assert sink.counters()["dropped"] == {"queue_full": 1, "unsent_at_close": 1}

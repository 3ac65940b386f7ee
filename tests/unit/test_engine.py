"""The engine: records and lines in, alert frames and exact counts out."""

from __future__ import annotations

from pathlib import Path

import native_records as make
import pytest
from engine_rules import Row, engine_with, linux

from sensor.compiler import compile_table, load_rules
from sensor.errors import NativeError
from sensor.native import Engine, Frame, Rules, ffi, lib, record_json, record_json_text

SECOND = 10**9
INIT = make.process_record(pid=1, start=1, image=b"/sbin/init", argv=[b"init"], uid=0)
SHELL = make.process_record(
    pid=50, start=5, ppid=1, creator_pid=1, creator_start=1, image=b"/bin/bash", argv=[b"bash", b"-i"], uid=1000
)


def child(pid: int, start: int, **members: object) -> list[bytes]:
    """Fork from the shell and exec."""
    return [
        make.fork_record(pid=pid, start=start, ppid=50, parent_start=5, creator_pid=50, creator_start=5),
        make.exec_record(pid=pid, start=start, ppid=50, parent_start=5, **members),  # type: ignore[arg-type]
    ]


def judge(rows: list[Row], records: list[bytes]) -> list[Frame]:
    with engine_with(rows) as engine:
        engine.set_user(1000, "ann")
        for index, record in enumerate(records):
            assert engine.feed(record, file=3, index=index)
        return engine.take()


FULL = child(
    60,
    7,
    image=b"/usr/bin/env",
    argv=[b"env", b"", b"a b"],
    cwd=b"/srv/x",
    script=b"./run.sh",
    uid=1000,
    gid=7,
    euid=8,
    egid=9,
    loginuid=1001,
    session=33,
    tty=b"pts0",
    cgroup_id=77,
    mnt_ns=88,
    file_uid=5,
    argc=3,
    argv_bytes=9,
    flags=lib.SN_F_MEMFD,
)
CONNECT = make.connect_record(
    pid=60, start=7, uid=1000, daddr=bytes([10, 1, 2, 3]), dport=8443, saddr=bytes([10, 9, 9, 9]), sport=999
)
# category, field, its whole value; "" = the field is absent
VALUES = [
    ("process_creation", "Image", "/usr/bin/env"),
    ("process_creation", "CommandLine", "env  a b"),
    ("process_creation", "Script", "./run.sh"),
    ("process_creation", "CurrentDirectory", "/srv/x"),
    ("process_creation", "ProcessId", "60"),
    ("process_creation", "ParentProcessId", "50"),
    ("process_creation", "User", "ann"),
    ("process_creation", "UserId", "1000"),
    ("process_creation", "GroupId", "7"),
    ("process_creation", "EffectiveUserId", "8"),
    ("process_creation", "EffectiveGroupId", "9"),
    ("process_creation", "LogonId", "1001"),
    ("process_creation", "TerminalSessionId", "33"),
    ("process_creation", "Tty", "pts0"),
    ("process_creation", "CgroupId", "77"),
    ("process_creation", "MountNamespace", "88"),
    ("process_creation", "ImageOwnerId", "5"),
    ("process_creation", "ArgumentCount", "3"),
    ("process_creation", "ArgumentBytes", "9"),
    ("process_creation", "ImageMemfd", "true"),
    ("process_creation", "ImageDeleted", "false"),
    ("process_creation", "ParentImage", "/bin/bash"),
    ("process_creation", "ParentCommandLine", "bash -i"),
    ("process_creation", "ParentUser", "ann"),
    ("network_connection", "Image", "/usr/bin/env"),
    ("network_connection", "CommandLine", "env  a b"),
    ("network_connection", "CurrentDirectory", "/srv/x"),
    ("network_connection", "ParentImage", "/bin/bash"),
    ("network_connection", "ParentCommandLine", "bash -i"),
    ("network_connection", "DestinationIp", "10.1.2.3"),
    ("network_connection", "DestinationPort", "8443"),
    ("network_connection", "SourceIp", "10.9.9.9"),
    ("network_connection", "SourcePort", "999"),
    ("network_connection", "Protocol", "tcp"),
    ("network_connection", "Initiated", "true"),
    ("network_connection", "ProcessId", "60"),
    ("network_connection", "User", "ann"),
    ("network_connection", "UserId", "1000"),
]


def test_every_field_has_its_value() -> None:
    rows = [linux(field, text, category) for category, field, text in VALUES]
    rows += [linux(field, text + "x", category) for category, field, text in VALUES]
    frames = judge(rows, [INIT, SHELL, *FULL, CONNECT])
    assert sorted(f.rule for f in frames) == list(range(len(VALUES)))
    assert {f.verdict for f in frames} == {lib.SN_MATCH}


def verdicts(field: str, text: str, records: list[bytes]) -> list[int]:
    return [f.verdict for f in judge([linux(field, text)], records)]


MATCH, UNDECIDABLE = [lib.SN_MATCH], [lib.SN_UNDECIDABLE]
CUT = {"flags": lib.SN_F_ARGV_TRUNCATED, "argv": b"a\0head\0tail\0", "argv_head": 6, "argv_bytes": 9999}
# what is left of a long path: of those that the probes walk the end, of the one given to execve the front
LONG = {"image": b"/b/x", "cwd": b"/b/x", "flags": lib.SN_F_IMAGE_TRUNCATED | lib.SN_F_CWD_TRUNCATED}
LONG_SCRIPT = {"script": b"./run.sh", "flags": lib.SN_F_SCRIPT_TRUNCATED}
STATES = [
    ("parent known", "ParentImage", "bash", [INIT, SHELL, *FULL], MATCH),
    ("parent lost", "ParentImage", "bash", [make.exec_record(pid=9, start=9, ppid=50)], UNDECIDABLE),
    ("no parent at all", "ParentImage", "bash", [INIT, make.exec_record(pid=1, start=1)], []),
    ("in the head", "CommandLine", "a hea", child(70, 9, **CUT), MATCH),
    ("in the tail", "CommandLine", "tail", child(70, 9, **CUT), MATCH),
    ("perhaps in the middle", "CommandLine", "other", child(70, 9, **CUT), UNDECIDABLE),
    ("unreadable", "CommandLine", "x", child(70, 9, argv=b"", flags=lib.SN_F_ARGV_UNREADABLE), UNDECIDABLE),
    ("the image was not readable", "Image", "x", child(70, 9, image=b""), UNDECIDABLE),
    ("the end of a long path", "Image", "x", child(70, 9, image=b"/b/x", flags=lib.SN_F_IMAGE_TRUNCATED), MATCH),
    ("its lost front", "Image", "y", child(70, 9, image=b"/b/x", flags=lib.SN_F_IMAGE_TRUNCATED), UNDECIDABLE),
    *(
        (f"a long {field}: {operator} {text}", f"{field}|{operator}", text, child(70, 9, **LONG), expected)
        for field in ("Image", "CurrentDirectory")
        for operator, text, expected in (
            ("endswith", "/x", MATCH),
            ("endswith", "/y", []),
            ("endswith", "a/b/x", UNDECIDABLE),
            ("startswith", "/b", UNDECIDABLE),
            ("startswith", "/c", UNDECIDABLE),
        )
    ),
    *(
        (f"a long script: {operator}", f"Script|{operator}", text, child(70, 9, **LONG_SCRIPT), expected)
        for operator, text, expected in (
            ("startswith", "./r", MATCH),
            ("startswith", "/r", []),
            ("endswith", ".sh", UNDECIDABLE),
        )
    ),
    ("no script is no loss", "Script", "x", child(70, 9), []),
    ("loginuid never set", "LogonId", "4294967295", child(70, 9, loginuid=0xFFFFFFFF), []),
    ("no terminal", "Tty", "pts", child(70, 9), []),
    ("a user without a name", "User", "4711", child(70, 9, uid=4711), MATCH),
]


@pytest.mark.parametrize(("field", "text", "records", "expected"), [s[1:] for s in STATES], ids=[s[0] for s in STATES])
def test_states(field: str, text: str, records: list[bytes], expected: list[int]) -> None:
    assert verdicts(field, text, records) == expected


def test_a_connection_of_an_unknown_process_is_undecidable() -> None:
    frames = judge([linux("Image", "x", "network_connection")], [CONNECT])
    assert [(f.verdict, f.cause_field, f.process) for f in frames] == [(lib.SN_UNDECIDABLE, 0, b"")]


def test_a_process_that_is_not_known_leaves_keywords_decidable(tmp_path: Path) -> None:
    """They look for what the event says; what it says cut short, or could not say, is another matter."""
    rule = "title: k\nlevel: low\nlogsource: {product: linux}\ndetection: {keywords: [mimikatz], condition: keywords}\n"
    (tmp_path / "k.yml").write_text(rule)
    found = []
    with Engine() as engine:
        engine.swap_rules(Rules(compile_table(load_rules([tmp_path])).bytes))
        for event in (CONNECT, make.exec_record(argv=[b"mimikatz"]), make.exec_record(**CUT)):
            engine.feed(event)
            found.append([frame.verdict for frame in engine.take()])
    assert found == [[], MATCH, UNDECIDABLE]


def test_the_frame_says_who_and_from_whom() -> None:
    (frame,) = judge([linux("CommandLine", "a b")], [INIT, SHELL, *FULL])
    assert (frame.rule, frame.verdict, frame.cause_field, frame.file, frame.index) == (0, lib.SN_MATCH, None, 3, 3)
    assert (frame.payload, frame.event) == (lib.SN_PAYLOAD_RECORD, FULL[1])
    process = record_json(frame.process)
    assert (process["type"], process["pid"], process["argv"]) == ("process", 60, ["env", "", "a b"])
    assert [record_json(r)["image"] for r in frame.lineage] == ["/bin/bash", "/sbin/init"]
    assert frame.lineage_complete


def test_lineage_is_cut_at_its_limit_and_says_so() -> None:
    with engine_with([linux("Image", "env")], lineage_max=1) as engine:
        for record in [INIT, SHELL, *FULL]:
            engine.feed(record)
        (frame,) = engine.take()
    assert len(frame.lineage) == 1
    assert not frame.lineage_complete


def test_lineage_with_an_unknown_end_says_so() -> None:
    (frame,) = judge([linux("Image", "env")], FULL)
    assert (frame.lineage, frame.lineage_complete) == ((), False)


def test_loss_is_in_the_alert_and_in_the_counters() -> None:
    def on(cpu: int, seq: int, second: int) -> bytes:
        return make.exec_record(cpu=cpu, seq=seq, time=second * SECOND, pid=60, start=7)

    loss = make.loss_record(cpu=1, seq=0, count=4, time=30 * SECOND)
    frames = judge(
        [linux("Image", "true")],
        [on(0, 2, 10), on(0, 1, 11), on(0, 3, 30), loss, on(1, 4, 31), on(0, 4, 31)],
    )
    assert [(f.lost_total, f.lost_recent, f.lost_any) for f in frames] == [
        (2, 2, 2),
        (1, 1, 1),
        (1, 0, 1),
        (4, 4, 5),
        (1, 0, 5),
    ]


def test_counters_add_up() -> None:
    with engine_with([linux("Image", "true")], timing=1) as engine:
        good = [make.exec_record(cpu=0, seq=s, pid=9, start=s) for s in (0, 1, 5, 3)]
        for record in [*good, INIT]:
            assert engine.feed(record)
        for broken in (b"", good[0][:-8], b"\0" * 48, good[0][:4] + b"\x63" + good[0][5:]):
            assert not engine.feed(broken)
        assert not engine.feed(make.exec_record(cpu=9000, seq=0, pid=1))
        stats = engine.stats()
        assert stats["received"] == stats["decoded"] + stats["malformed"] == 10
        assert (stats["malformed"], stats["judged"], stats["matched_events"], stats["alerts"]) == (5, 4, 4, 4)
        assert (stats["seq_lost"], stats["seq_late"]) == (2, 1)
        assert (stats["by_type"][lib.SN_EXEC], stats["by_type"][lib.SN_PROCESS]) == (4, 1)
        assert sum(stats["match_hist"]) == 4
        quantiles = [engine.match_quantile(q) for q in (0, 0.5, 0.99, 1)]
        assert quantiles == sorted(quantiles)
        assert stats["match_ns_max"] >= quantiles[-1] > 0


def test_a_full_alert_ring_counts_what_it_drops() -> None:
    with engine_with([linux("Image", "true")], alert_bytes=1 << 18) as engine:
        record = make.exec_record(pid=9, start=9, argv=[b"x" * 30000])
        for _ in range(20):
            engine.feed(record)
        stats = engine.stats()
        taken = []
        while frames := engine.take():
            taken += frames
        assert len(taken) == stats["alerts"] < 20
        assert stats["alerts"] + stats["alerts_dropped"] == 20


def test_an_unaligned_record_is_taken() -> None:
    with engine_with([linux("Image", "env")]) as engine:
        raw = ffi.new("char[]", len(FULL[1]) + 1)
        ffi.buffer(raw)[1 : 1 + len(FULL[1])] = FULL[1]
        assert lib.sn_engine__feed(engine.pointer, raw + 1, len(FULL[1]), 0, 0) == 0
        assert [f.event for f in engine.take()] == [FULL[1]]


def test_a_replay_gives_the_same_frames_twice() -> None:
    records = [INIT, SHELL]
    for n in range(200):
        records += child(100 + n % 40, 1000 + n, argv=[b"true", b"%d" % n], cpu=n % 2, seq=n, time=n * SECOND // 3)
        if n % 3:
            records.append(make.exit_record(pid=100 + n % 40, start=1000 + n))
    rows = [linux("CommandLine", "7"), linux("ParentImage", "sh"), linux("User", "ann")]
    assert judge(rows, records) == judge(rows, records) != []


def test_a_dump_is_judged_as_its_records() -> None:
    rows = [
        linux("CommandLine", "a b"),
        linux("ParentImage", "bash"),
        linux("DestinationPort", "8443", "network_connection"),
    ]
    records = [INIT, SHELL, *FULL, CONNECT]
    with engine_with(rows) as engine:
        for index, record in enumerate(records):
            assert engine.feed_json(record_json_text(record).encode(), file=3, index=index)
        again = engine.take()
    first = judge(rows, records)
    assert [f.rule for f in again] == [f.rule for f in first] == [0, 1, 2]
    for one, other in zip(again, first, strict=True):
        assert record_json(one.event) == record_json(other.event)
        assert [record_json(r) for r in one.lineage] == [record_json(r) for r in other.lineage]


@pytest.mark.parametrize("options", [{"ring_bytes": 1000}, {"alert_bytes": 4096}, {"table_entries": 0}])
def test_sizes_that_cannot_be(options: dict[str, int]) -> None:
    with pytest.raises(NativeError):
        Engine(**options)  # type: ignore[arg-type]

"""The command line from outside: arguments in, exit code and the line on standard error out."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sensor.cli import main

DEMO = Path(__file__).parents[1] / "golden" / "demo.linsang"
RULE = """\
title: whoami
id: 3f1b4c5e-0000-4000-8000-000000000001
status: test
level: low
logsource: {product: windows, category: process_creation}
detection: {selection: {Image|endswith: '\\whoami.exe'}, condition: selection}
"""
EVENT = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Image": "C:\\Windows\\whoami.exe"}
BARE = json.dumps({"Image": "C:\\whoami.exe"}).encode()
HIT = json.dumps(EVENT).encode()
PADDED = json.dumps({**EVENT, "x": "y" * 700_000}).encode() + b"\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with a rule, and caches of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("rules").mkdir()
    Path("rules/whoami.yml").write_text(RULE)
    Path("hit.ndjson").write_bytes(HIT + b"\n")
    Path("linsang.toml").write_text('[source]\nkindd = "bpf"\n')
    Path("system.evtx").write_bytes(b"ElfFile\0" + bytes(100))
    Path("trace.etl").write_bytes(bytes(100))
    Path("packed.zst").write_bytes(b"(\xb5/\xfd" + bytes(100))
    Path("nothing.ndjson").write_bytes(b"nope\n[]\n")
    Path("utf16.json").write_bytes('{"a":1}'.encode("utf-16"))
    Path("cut.linsang").write_bytes(DEMO.read_bytes()[:-3])
    return tmp_path


def rules_and_cache() -> list[str]:
    return ["--rules", "rules", "--cache-dir", "cache"]


# arguments, exit code, what the last line on standard error says
ROWS = [
    ([], 2, "arguments are required: COMMAND"),
    (["replya"], 2, "unknown command `replya`; did you mean `replay`?"),
    (["xyzzy"], 2, "unknown command `xyzzy`; see `linsang --help`"),
    (["run", "--outptu", "stdout:"], 2, "unknown argument `--outptu`; did you mean `--output`?"),
    (["run", "--source", "bfp"], 2, "expected one of auto, bpf, procconn"),
    (["run", "--ring-bytes", "3000"], 2, "--ring-bytes 3000"),
    (["run", "--output", "kafka:x", "--runtime-dir", "runtime"], 2, "output kafka:x: unknown scheme `kafka`"),
    (["run", "--output", "stdout:", "--output", "stdout:?format=pretty"], 2, "output stdout: is there twice"),
    (["run", "--config", "linsang.toml"], 1, "linsang.toml:2: unknown key `kindd` in [source]; did you mean `kind`?"),
    (["run", "--config", "nowhere.toml"], 1, "nowhere.toml: No such file or directory"),
    (["status", "--runtime-dir", "nothing"], 1, "no sensor runs in nothing; start it: linsang run"),
    (["service", "install"], 1, "a service of Windows is not supported here; systemctl enable --now linsang"),
    (["service"], 2, "action"),
    (["status", "--format", "xml"], 2, "unknown --format value `xml`; known are text, json"),
    (["run", "--files-place", "here"], 2, "--files-place here; `here` does not begin with /"),
    (["replay", "x", "--expand", "y"], 2, "--expand y; expected NAME=VALUE"),
    (["status", "--rules", "rules"], 2, "unknown argument `--rules`"),
    (["run", "--windows-channels", "x"], 2, "unknown argument `--windows-channels`"),
    (["dump"], 2, "the following arguments are required: FILE; see `linsang dump --help`"),
    (["dump", "nothing"], 1, "nothing: No such file or directory"),
    (["dump", "hit.ndjson"], 1, "hit.ndjson at byte 0: not a recording"),
    (["dump", "cut.linsang"], 1, "cut off: the last record is incomplete"),
    (["record", "x", "--for", "soon"], 2, "`soon` is no time; write 10, 2.5s, 5m or 1h"),
    (["record", "x", "--for", "-1"], 2, ""),
    (["record", "no/such/folder/x"], 1, "no/such/folder/x: No such file or directory"),
    (["replay", "nothing", *rules_and_cache()], 1, "nothing: No such file or directory"),
    (["replay", "rules", *rules_and_cache()], 1, "rules: a folder; give its files: rules/*"),
    (["replay", "system.evtx", *rules_and_cache()], 1, "system.evtx: no EVTX: "),
    (["replay", "trace.etl", *rules_and_cache()], 1, "trace.etl: no event trace log"),
    (["replay", "packed.zst", *rules_and_cache()], 1, "packed.zst: Zstandard is not read; unpack it"),
    (["replay", "utf16.json", *rules_and_cache()], 1, "utf16.json: UTF-16; convert it"),
    (["replay", "cut.linsang", *rules_and_cache()], 1, "cut off: the last record is incomplete"),
    (["replay", "hit.ndjson", "--summary", "no/s", *rules_and_cache()], 1, "no/s: No such file or directory"),
    (["replay", "hit.ndjson", "--speed", "fast", *rules_and_cache()], 2, "--speed fast; write max, 1x"),
    (["replay", "hit.ndjson", "--speed", "0/s", *rules_and_cache()], 2, "--speed 0/s"),
    (["replay", "hit.ndjson", "--speed", "1x", *rules_and_cache()], 1, "--speed 1x is for recordings"),
    (["replay", "hit.ndjson", "--loop", "0", *rules_and_cache()], 2, "`0` is no count"),
    (["replay", "hit.ndjson", "--rules", "norules"], 1, "norules: no such rule file or folder"),
    (
        ["replay", "hit.ndjson", "--service", "auditd", *rules_and_cache()],
        1,
        "no rule looks at events of linux/*/auditd",
    ),
    (["replay", "hit.ndjson", "--summary", "no/such/folder", *rules_and_cache()], 1, "no/such/folder: No such file"),
    (["rules", "check", "norules"], 1, "norules: no such rule file or folder"),
    (["rules", "chekc"], 2, "unknown action `chekc`; did you mean `check`?"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), ROWS, ids=[" ".join(r[0]) or "nothing" for r in ROWS])
def test_refusals_are_one_line(
    place: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert main(arguments) == code
    lines = capfd.readouterr().err.splitlines()
    assert lines
    assert lines[-1].startswith("linsang: error: ")
    assert said in lines[-1]
    assert not any("Traceback" in line for line in lines)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_summary_that_has_no_room(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "hit.ndjson", "--summary", "/dev/full", *rules_and_cache()]) == 1
    assert "error: /dev/full: No space left on device; give --summary" in capfd.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_output_that_never_has_room_ends_a_replay(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A device is not waited for, as a disk is."""
    assert main(["replay", "hit.ndjson", "--output", "file:/dev/full", *rules_and_cache()]) == 1
    assert "/dev/full: No space left on device" in capfd.readouterr().err


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero")
@pytest.mark.parametrize("arguments", [["alerts"], ["alerts", "--follow"], ["tree", "deadbeef"]], ids=" ".join)
def test_what_has_no_end_is_no_file_of_alerts(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments, "/dev/zero"]) == 1
    assert "error: /dev/zero: a device, not a file of alerts" in capfd.readouterr().err


@pytest.mark.parametrize("copies", [1, 20_000])
def test_a_reader_who_had_enough_is_no_failure(place: Path, copies: int) -> None:
    """Neither before the first alert nor amid them; what comes out is SIGPIPE's code, as of any program."""
    (place / "many.ndjson").write_bytes((place / "hit.ndjson").read_bytes() * copies)
    command = [sys.executable, "-m", "sensor", "replay", "many.ndjson", *rules_and_cache()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as replay:
        assert replay.stdout is not None
        assert replay.stderr is not None
        if copies > 1:
            assert replay.stdout.readline()
        replay.stdout.close()
        assert (replay.stderr.read(), replay.wait()) == (b"", 141)


def test_too_few_files_may_be_open(place: Path) -> None:
    pytest.importorskip("resource", reason="Windows has no such limit")
    replay = [sys.executable, "-m", "sensor", "replay", "hit.ndjson", *rules_and_cache()]
    limited = ["sh", "-c", 'ulimit -n 6 && exec "$@"', "sh", *replay]
    ended = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "linsang: error: Too many open files; raise the limit: ulimit -n 1024\n"


def test_a_compiler_whose_reader_was_ended_says_nothing(place: Path) -> None:
    asked = {"paths": ["rules"], "cache": "cache", "pipelines": [], "expand": {}}
    command = [sys.executable, "-m", "sensor.rule_compiler"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdin
        assert child.stdout
        assert child.stderr
        child.stdout.close()
        child.stdin.write(json.dumps(asked).encode())
        child.stdin.close()
        assert child.stderr.read() == b""


@pytest.mark.parametrize("where", [0, 1, 3], ids=["before", "after the command", "at the end"])
def test_debug_shows_the_traceback(place: Path, capsys: pytest.CaptureFixture[str], where: int) -> None:
    arguments = ["dump", "nothing"]
    arguments.insert(where, "--debug")
    assert main(arguments) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "replay", "record", "dump", "doctor", "status", "rules"])
def test_help_shows_examples(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"examples:\n  linsang {command} " in capsys.readouterr().out


def test_print_config_is_what_it_reads(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--ring-bytes", "32MiB", "--output", "file:a", "--output", "stdout:", "--rules", "x"]
    assert main(["run", "--print-config", *flags]) == 0
    printed = capsys.readouterr().out
    Path("printed.toml").write_text(printed)
    assert main(["run", "--print-config", "--config", "printed.toml"]) == 0
    assert capsys.readouterr().out == printed
    assert 'ring_bytes = "32MiB"' in printed


# ---- replay ----


def replayed(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Alerts and summary."""
    out = Path("alerts.json")
    out.unlink(missing_ok=True)
    code = main(["replay", *arguments, *rules_and_cache(), "--summary", "s.json", "--output", f"file:{out}"])
    assert code == 0, capsys.readouterr().err
    return [json.loads(line) for line in out.read_text().splitlines()], json.loads(Path("s.json").read_text())


# name, content of events.ndjson, further arguments, (index of the event that alerts), events, malformed
LINES = [
    ("one", HIT + b"\n", [], [0], 1, 0),
    ("no newline at the end", HIT, [], [0], 1, 0),
    ("empty lines count", b"\n\n" + HIT + b"\n \n" + HIT, [], [2, 4], 2, 0),
    ("byte order mark", b"\xef\xbb\xbf" + HIT, [], [0], 1, 0),
    ("carriage returns", HIT + b"\r\n" + HIT + b"\r\n", [], [0, 1], 2, 0),
    ("malformed between", HIT + b"\nnope\n" + HIT + b"\n[]\n", [], [0, 2], 4, 2),
    ("nothing", b"", [], [], 0, 0),
    ("no logsource", BARE, [], [], 1, 0),
    ("logsource given", BARE, ["--product", "windows", "--category", "process_creation"], [0], 1, 0),
    ("category given", BARE, ["--category", "process_creation"], [0], 1, 0),
    ("product given, lines say the rest", HIT, ["--product", "windows"], [0], 1, 0),
    ("product given, lines of another", HIT, ["--product", "macos"], [0], 1, 0),
    ("product given, no rule for it alone", BARE, ["--product", "windows"], [], 1, 0),
    ("blocks that end within a line", HIT + b"\n" + PADDED * 3 + HIT, [], [0, 1, 2, 3, 4], 5, 0),
    ("looped", HIT, ["--loop", "3"], [0, 0, 0], 3, 0),
    ("paced", HIT + b"\n" + HIT, ["--speed", "1000/s"], [0, 1], 2, 0),
    ("by the reference", BARE + b"\n" + HIT, ["--engine", "reference"], [1], 2, 0),
]


def test_a_file_without_any_event_is_most_likely_the_wrong_one(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "nothing.ndjson", "hit.ndjson", *rules_and_cache()]) == 1
    assert "linsang: error: nothing.ndjson: nothing in it is an event" in capfd.readouterr().err


UNHEARD = [
    (BARE, "no rule is about any of its 1 events"),
    (HIT, ""),
    (BARE + b"\n" + HIT, ""),
    (b"", "linsang: events.ndjson: 0 events\n"),
    (b"\n \n", "linsang: events.ndjson: 0 events\n"),
    (gzip.compress(b"", mtime=0), "linsang: events.ndjson: 0 events\n"),
]


@pytest.mark.parametrize(("content", "said"), UNHEARD)
def test_what_brings_out_nothing_is_told(
    place: Path, capfd: pytest.CaptureFixture[str], content: bytes, said: str
) -> None:
    Path("events.ndjson").write_bytes(content)
    assert main(["replay", "events.ndjson", *rules_and_cache()]) == 0
    err = capfd.readouterr().err
    assert said in err
    assert bool(said) == bool(err)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("row", LINES, ids=[row[0] for row in LINES])
def test_lines(place: Path, capsys: pytest.CaptureFixture[str], row: tuple[object, ...], packed: bool) -> None:
    _, content, arguments, indexes, events, malformed = row
    assert isinstance(content, bytes)
    assert isinstance(arguments, list)
    Path("events.ndjson").write_bytes(gzip.compress(content) if packed else content)
    alerts, summary = replayed(capsys, "events.ndjson", *arguments)
    assert [alert["event"] for alert in alerts] == [{"file": "events.ndjson", "index": i} for i in indexes]  # type: ignore[attr-defined]
    assert (summary["events"], summary["malformed"], summary["alerts"]) == (events, malformed, len(alerts))


def test_malformed_lines_are_named(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.ndjson").write_bytes(HIT + b"\n" + b"{]\n" * 9)
    replayed(capsys, "bad.ndjson")
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("linsang: bad.ndjson:2: left out: ")
    assert [line.split(":")[2] for line in said[:5]] == ["2", "3", "4", "5", "6"]
    assert said[5] == "linsang: further malformed lines are counted only"
    assert "9 malformed" in said[6]


def test_a_bad_file_keeps_no_other_from_being_judged(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["replay", "system.evtx", "nothing", "hit.ndjson", *rules_and_cache(), "--output", "file:a.json"])
    assert code == 1
    assert len(capsys.readouterr().err.splitlines()) == 2
    (alert,) = [json.loads(line) for line in Path("a.json").read_text().splitlines()]
    assert alert["event"] == {"file": "hit.ndjson", "index": 0}


@pytest.mark.parametrize(("flags", "code"), [([], 1), (["--skip-broken-rules"], 0)])
def test_refused_rules_are_said(place: Path, capsys: pytest.CaptureFixture[str], flags: list[str], code: int) -> None:
    Path("rules/broken.yml").write_text(RULE.replace("selection: {", "selection: [").replace("0001", "0002"))
    assert (
        main(["replay", "hit.ndjson", *rules_and_cache(), "--summary", "s.json", *flags, "--output", "file:a"]) == code
    )
    assert "rules/broken.yml:" in capsys.readouterr().err
    summary = json.loads(Path("s.json").read_text())
    assert summary["rules"]["loaded"] == 1
    assert [Path(fault["file"]).name for fault in summary["rules"]["refused"]] == ["broken.yml"]
    assert len(Path("a").read_text().splitlines()) == 1


# signal, file, further arguments: what waits for more, what waits for its time, what is busy
INTERRUPTED = [
    (signal.SIGTERM, "-", []),
    (signal.SIGINT, "-", []),
    (signal.SIGTERM, "hits.ndjson", ["--speed", "2/s"]),
    (signal.SIGINT, "hits.ndjson", ["--loop", "1000000"]),
]


@pytest.mark.parametrize(("number", "file", "arguments"), INTERRUPTED)
def test_an_interrupted_replay_keeps_and_tells_what_it_did(
    place: Path, number: signal.Signals, file: str, arguments: list[str]
) -> None:
    Path("hits.ndjson").write_bytes((HIT + b"\n") * 50)
    command = [sys.executable, "-m", "sensor", "replay", file, *arguments, *rules_and_cache()]
    command += ["--summary", "s.json", "--output", "stdout:?format=json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdin
        assert child.stdout
        assert child.stderr
        child.stdin.write(HIT + b"\n")
        child.stdin.flush()
        first = child.stdout.readline()
        child.send_signal(number)
        alerts = [first, *child.stdout.read().splitlines()]
        said = child.stderr.read().decode().splitlines()
        assert child.wait() == 128 + number, said
    summary = json.loads(Path("s.json").read_text())
    assert summary["interrupted"] is True
    assert summary["alerts"] == summary["events"] == len([json.loads(line) for line in alerts])
    assert said[-1].startswith("linsang: interrupted: ")


def test_summary_has_what_the_contract_says(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, summary = replayed(capsys, "hit.ndjson")
    counts = {"events", "decoded", "malformed", "alerts", "undecidable", "matched_events"}
    assert set(summary) == counts | {"rules", "elapsed_s", "decode_ns", "match_ns", "lost", "interrupted"}
    assert set(summary["match_ns"]) == {"mean", "p50", "p99", "p999", "max"}  # type: ignore[call-overload]


def linsang(*arguments: str, stdin: bytes = b"", head: int | None = None) -> subprocess.CompletedProcess[bytes]:
    """As a process of its own; `head`: its reader goes away after so many bytes."""
    command = [sys.executable, "-m", "sensor", *arguments]
    if head is None:
        return subprocess.run(command, input=stdin, capture_output=True, timeout=240, check=False)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stderr
        child.stdout.read(head)
        child.stdout.close()
        said = child.stderr.read()
        return subprocess.CompletedProcess(command, child.wait(), b"", said)


LIVE = "sensor.daemon, sensor.enrich.service, sensor.sources.linux"
HEAVY = {"dataclasses", "inspect", "ast"}


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("sensor.replay", HEAVY | {"tempfile", "shutil", "subprocess", "tomllib", "importlib.metadata"}),
        pytest.param(LIVE, HEAVY, marks=pytest.mark.skipif(sys.platform == "win32", reason="Linux' source")),
    ],
)
def test_a_start_loads_little(modules: str, heavy: set[str]) -> None:
    """What costs each start as much as all of its own modules: dataclasses bring inspect and ast, 1.2 MB."""
    code = f"import sys, sensor.cli, {modules}; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=True)
    assert not heavy & set(loaded.stdout.split())


def test_lines_on_standard_input(place: Path) -> None:
    done = linsang("replay", "-", *rules_and_cache(), stdin=HIT)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["event"] == {"file": "-", "index": 0}


def test_a_reader_that_goes_away_ends_a_dump() -> None:
    done = linsang("dump", str(DEMO), head=1)
    assert b"Traceback" not in done.stderr
    assert done.returncode in {0, 141}  # it may have been done already


def test_a_cache_that_others_may_write_is_not_trusted(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replayed(capsys, "hit.ndjson")
    (cached,) = Path("cache").glob("rules-*.bin")
    content = cached.read_bytes()
    for mode, damage in ((0o666, b""), (0o600, b"x")):
        cached.write_bytes(content + damage)
        os.chmod(cached, mode)
        alerts, _ = replayed(capsys, "hit.ndjson")
        assert len(alerts) == 1
        assert (cached.read_bytes(), cached.stat().st_mode & 0o777) == (content, 0o600)

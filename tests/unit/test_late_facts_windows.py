"""Facts of files of Windows' events that come late: who is asked what, who waits, what rules then see."""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

import pytest
from engine_rules import table
from raised import Ledger, raised

from sensor.alert import AlertWriter
from sensor.enrich.exchange import Answer, Exchange, Question
from sensor.native import Engine, Rules, ffi, lib, parse_record

SECOND = 1_000_000_000
START = ("windows", "process_creation")
LOAD = ("windows", "image_load")
RULES: dict[str, tuple[tuple[str, str], str, Any]] = {
    "is regsvr32": (START, "OriginalFileName", "REGSVR32.EXE"),
    "has a name": (START, "OriginalFileName|exists", True),
    "unsigned": (START, "Signed", "false"),
    "hash": (START, "Hashes|contains", "IMPHASH=0A"),
    "payload unsigned": (START, "PayloadSigned", "false"),
    "payload by": (START, "PayloadSignature", "Nobody"),
    "renamed": (START, "RenamedProxy", "true"),
    "plain": (START, "Image|endswith", "\\plain.exe"),
    "anything said": (START, "", "Nobody"),
    "unsigned library": (LOAD, "Signed", "false"),
    "signed program": (LOAD, "ImageSigned", "true"),
    "any load": (LOAD, "ImageLoaded|endswith", ".dll"),
}
REGSVR32 = "C:\\Windows\\System32\\regsvr32.exe"
KERNEL = "Microsoft-Windows-Kernel-Process"


@cache
def _table(*names: str) -> bytes:
    return table([(*RULES[name][0], RULES[name][1], RULES[name][2]) for name in names])


def line(number: int = 1, **more: Any) -> bytes:
    """As etw_line.c writes it."""
    return json.dumps({"Provider_Name": KERNEL, "EventID": number, **more}).encode()


class Sensor:
    """An engine with rules by name, fed on this thread, and the one who answers."""

    def __init__(self, *names: str, wait_ms: int = 10_000) -> None:
        self.names = names
        self.engine = Engine(ring_bytes=1 << 16, alert_bytes=1 << 22, fact_wait_ms=wait_ms)
        self.rules = Rules(_table(*names))
        self.engine.swap_rules(self.rules)
        self.exchange = Exchange(self.engine)

    def start(self, image: str = "C:\\x.exe", command: str = "x", **more: Any) -> None:
        assert self.engine.feed_json(line(ImageName=image, CommandLine=command, ProcessID=7, **more))

    def load(self, library: str, image: str = "C:\\x.exe", **more: Any) -> None:
        assert self.engine.feed_json(line(5, ImageName=library, Image=image, ProcessID=7, **more))

    def at(self, seconds: float, text: bytes) -> None:
        """A line that came then."""
        record = {"type": "line", "time": int(seconds * SECOND), "pid": 0, "text": text.decode()}
        assert self.engine.feed(parse_record(json.dumps(record).encode()))

    def questions(self) -> list[Question]:
        return self.exchange.questions(0)

    def answer(self, question: Question, *, late: frozenset[str] = frozenset(), **facts: str) -> None:
        texts = {name.upper(): value.encode() for name, value in facts.items()}
        key = question.key if question.key.inode else None
        assert self.exchange.answer(question, Answer(key=key, texts=texts, late=late | {"FIRST_SEEN"}))
        self.settle()

    def settle(self, *, all: bool = False) -> None:
        assert lib.sn_engine__settle(self.engine.pointer, all) == 0

    def alerts(self) -> list[tuple[str, str]]:
        """Rule and verdict."""
        return raised(self.engine.take(), self.names)

    def shown(self) -> list[dict[str, Any]]:
        """Alerts as they are written."""
        texts = b'{"level":"low"}\n' * len(self.names), b'"low"\n' * len(self.names)
        rules, size = self.rules.pointer, ffi.new("uint32_t *")
        names = (lib.sn_rules__field_name(rules, n, size) for n in range(lib.sn_rules__field_count(rules)))
        fields = [ffi.string(name, size[0]).decode() for name in names]
        writer = AlertWriter(self.engine, texts, fields, files=("f",))
        blocks = [bytes(lines.data) for lines in writer.write(self.engine.take_raw())]
        return [json.loads(text) for text in b"".join(blocks).splitlines()]


# ---- starts ----


def test_a_start_waits_for_its_image() -> None:
    sensor = Sensor("is regsvr32", "unsigned", "hash", "plain", "anything said")
    sensor.start("C:\\plain.exe")
    (question,) = sensor.questions()
    assert (question.is_image, question.path) == (True, b"C:\\plain.exe")
    assert sensor.alerts() == []
    sensor.answer(question, signed="false", original_name="regsvr32.exe", hashes="SHA1=1,IMPHASH=0AB", company="Nobody")
    found = [(name, "match") for name in ("is regsvr32", "unsigned", "hash", "plain")]
    assert sensor.alerts() == found
    sensor.start("c:\\PLAIN.exe")  # known by now
    assert sensor.questions() == []
    assert sensor.alerts() == found
    stats = sensor.engine.stats()
    assert (stats["questions"], stats["answers"], stats["held"], stats["held_late"]) == (1, 1, 1, 0)
    assert (stats["judged"], stats["matched_events"], stats["undecidable"]) == (2, 2, 0)


def test_a_rule_that_a_fact_alone_meets_is_found() -> None:
    """By the index: a witness stands in a field that other sources' events have themselves."""
    sensor = Sensor("is regsvr32")
    sensor.start()
    (question,) = sensor.questions()
    sensor.answer(question, original_name="REGSVR32.EXE")
    assert sensor.alerts() == [("is regsvr32", "match")]


def test_late_is_undecidable_never_absent() -> None:
    names = ("is regsvr32", "has a name", "unsigned", "hash", "renamed")
    sensor = Sensor(*names, "plain")
    sensor.start()
    sensor.settle()
    assert sensor.alerts() == []
    sensor.settle(all=True)
    alerts = sensor.shown()
    assert [alert["verdict"] for alert in alerts] == ["undecidable"] * len(names)
    assert {alert["undecidable"]["reason"] for alert in alerts} == {"late"}
    stats = sensor.engine.stats()
    assert (stats["held_late"], stats["held_now"], stats["held_max"]) == (1, 0, 1)


def test_nobody_can_tell_is_undecidable_too_and_what_there_is_not_is_absent() -> None:
    sensor = Sensor("is regsvr32", "has a name", "unsigned")
    sensor.start()
    (question,) = sensor.questions()
    sensor.answer(question, late=frozenset(("SIGNED",)))
    assert sensor.alerts() == [("unsigned", "undecidable")]


def test_a_start_without_an_image_cannot_be_told() -> None:
    sensor = Sensor("unsigned")
    sensor.engine.feed_json(line(CommandLine="x"))
    assert (sensor.questions(), sensor.alerts()) == ([], [("unsigned", "undecidable")])


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"OriginalFileName": "-", "Signed": "true"}, ["hash"]),
        ({"Hashes": "SHA1=0"}, ["is regsvr32", "unsigned"]),
        ({}, ["is regsvr32", "unsigned", "hash"]),
    ],
    ids=str,
)
def test_what_the_event_says_stays(said: dict[str, str], found: list[str]) -> None:
    sensor = Sensor("is regsvr32", "unsigned", "hash")
    event = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Image": "C:\\x.exe", **said}
    assert sensor.engine.feed_json(json.dumps(event).encode())
    (question,) = sensor.questions()
    sensor.answer(question, signed="false", original_name="REGSVR32.EXE", hashes="IMPHASH=0A")
    assert sensor.alerts() == [(name, "match") for name in found]


def test_the_audit_logs_starts_have_facts_too() -> None:
    sensor = Sensor("unsigned")
    event = {"Channel": "Security", "EventID": 4688, "NewProcessName": "C:\\x.exe"}
    assert sensor.engine.feed_json(json.dumps(event).encode())
    sensor.answer(sensor.questions()[0], signed="false")
    assert sensor.alerts() == [("unsigned", "match")]


def test_without_anybody_who_looks_facts_are_absent() -> None:
    """As in a replay."""
    engine = Engine()
    engine.swap_rules(Rules(_table("unsigned", "has a name", "payload unsigned", "renamed", "plain")))
    assert engine.feed_json(line(ImageName="C:\\plain.exe", CommandLine="x"))
    assert [frame.rule for frame in engine.take()] == [4]


def test_never_wait() -> None:
    sensor = Sensor("unsigned", wait_ms=0)
    sensor.start()
    assert sensor.alerts() == [("unsigned", "undecidable")]
    sensor.answer(sensor.questions()[0], signed="false")
    assert sensor.alerts() == []
    sensor.start()
    assert sensor.alerts() == [("unsigned", "match")]


def test_a_path_is_a_file_for_some_seconds() -> None:
    """And for one time of linking and checksum only."""
    sensor = Sensor("unsigned")
    start = {"ImageName": "C:\\x.exe", "CommandLine": "x", "TimeDateStamp": 5, "ImageChecksum": 6}
    sensor.at(1000, line(**start))
    (question,) = sensor.questions()
    sensor.answer(question, signed="false")
    for seconds, other, asks in (
        (1004.9, {}, 0),
        (1004.9, {"TimeDateStamp": 4}, 1),
        (1005, {"ImageChecksum": 7}, 1),
        (1005, {}, 1),
    ):
        sensor.at(seconds, line(**start | other))
        assert len(sensor.questions()) == asks
    sensor.settle(all=True)
    assert sorted(sensor.alerts()) == [("unsigned", "match")] * 2 + [("unsigned", "undecidable")] * 3


# ---- payloads ----


def known(sensor: Sensor, **facts: str) -> None:
    """Answers what is asked of images."""
    for question in sensor.questions():
        if question.is_image:
            sensor.answer(question, signed="true", **facts)


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("regsvr32 /s C:\\Users\\u\\a.dll", b"C:\\Users\\u\\a.dll"),
        ("regsvr32 a.dll", b"a.dll"),
        ("regsvr32 /s /n /u /i:http://x/y.sct scrobj.dll", None),
        ("regsvr32 \\\\host\\share\\a.dll", b""),
    ],
    ids=str,
)
def test_the_file_that_the_payload_is(command: str, path: bytes | None) -> None:
    """None: there is none; empty: nobody looks there, since whoever did would log on to it."""
    sensor = Sensor("payload unsigned")
    sensor.start(REGSVR32, command, CurrentDirectory="C:\\here\\")
    known(sensor)
    questions = sensor.questions()
    asked = [(q.is_image, q.path, q.cwd, q.program) for q in questions]
    assert asked == ([(False, path, b"C:\\here\\", REGSVR32.encode())] if path else [])
    for question in questions:
        sensor.answer(question, signed="false")
    assert sensor.alerts() == {None: [], b"": [("payload unsigned", "undecidable")]}.get(
        path, [("payload unsigned", "match")]
    )


def test_signed_proxy_unsigned_payload_in_an_alert() -> None:
    sensor = Sensor("payload unsigned", "payload by")
    sensor.start(REGSVR32, "regsvr32 C:\\a.dll")
    known(sensor, signature="Microsoft Windows", signature_status="Valid", hashes="SHA1=1")
    (question,) = sensor.questions()
    sensor.answer(question, signed="false", signature_status="Unavailable", company="\u00e9")
    (alert,) = sensor.shown()
    assert alert["facts"] == {
        "image": {"hashes": "SHA1=1", "signature": "Microsoft Windows", "signature_status": "Valid", "signed": True},
        "payload": {"company": "\u00e9", "signature_status": "Unavailable", "signed": False},
    }
    assert alert["proxy"]["payload"]["path"] == "C:\\a.dll"


def test_a_payload_is_asked_about_for_its_alerts() -> None:
    sensor = Sensor("is regsvr32")
    sensor.start(REGSVR32, "regsvr32 C:\\a.dll")
    known(sensor, original_name="REGSVR32.EXE")
    (question,) = sensor.questions()
    sensor.answer(question, signed="false")
    (alert,) = sensor.shown()
    assert alert["facts"]["payload"] == {"signed": False}


def test_the_payload_that_was_started_is_the_image() -> None:
    sensor = Sensor("payload unsigned")
    image = "C:\\Users\\u\\a.exe"
    parent = {"ParentImage": "C:\\Windows\\System32\\forfiles.exe", "ParentCommandLine": f"forfiles /c {image}"}
    sensor.start(image, image, **parent)
    (question,) = sensor.questions()
    sensor.answer(question, signed="false")
    assert sensor.questions() == []
    assert sensor.alerts() == [("payload unsigned", "match")]


def test_a_renamed_program_is_unwound_by_its_name() -> None:
    sensor = Sensor("payload unsigned", "renamed")
    sensor.start("C:\\Users\\u\\x.exe", "x.exe C:\\a.dll")
    (image,) = sensor.questions()
    sensor.answer(image, original_name="REGSVR32.EXE")
    assert sensor.alerts() == []
    (payload,) = sensor.questions()
    assert payload.path == b"C:\\a.dll"
    sensor.answer(payload, signed="false")
    (first, second) = sensor.shown()
    assert first["proxy"]["chain"] == second["proxy"]["chain"] == ["regsvr32"]


def test_a_payload_that_nobody_tells_of_in_time() -> None:
    sensor = Sensor("payload unsigned")
    sensor.start(REGSVR32, "regsvr32 C:\\a.dll")
    known(sensor)
    assert len(sensor.questions()) == 1
    sensor.settle(all=True)
    assert sensor.alerts() == [("payload unsigned", "undecidable")]


# ---- loads ----


def test_a_load_asks_only_for_a_rule_or_an_alert() -> None:
    sensor = Sensor("any load")
    sensor.load("C:\\a.ocx")
    assert sensor.questions() == []
    sensor.load("C:\\a.dll")
    image, library = sensor.questions()
    assert (image.is_image, image.path, library.is_image, library.path) == (True, b"C:\\x.exe", False, b"C:\\a.dll")
    sensor.answer(image, signed="true")
    assert sensor.alerts() == []
    sensor.answer(library, signed="false")
    (alert,) = sensor.shown()
    assert alert["facts"] == {"image": {"signed": True}, "payload": {"signed": False}}
    sensor.load("C:\\a.dll")
    assert sensor.questions() == []


def test_a_signed_program_that_loads_an_unsigned_library() -> None:
    sensor = Sensor("unsigned library", "signed program")
    sensor.load("C:\\a.dll")
    image, library = sensor.questions()
    sensor.answer(image, signed="true")
    sensor.answer(library, signed="false")
    assert sensor.alerts() == [("unsigned library", "match"), ("signed program", "match")]
    sensor.load("C:\\b.dll")
    (library,) = sensor.questions()
    sensor.settle(all=True)
    assert sensor.alerts() == [("unsigned library", "undecidable"), ("signed program", "match")]


# ---- what it is judged by ----


def test_who_did_it_is_as_it_was() -> None:
    """The parent's process id is another's by the time that the answer comes."""
    sensor = Sensor("unsigned")
    channel = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1}
    before = {"ProcessId": 3, "Image": "C:\\before.exe", "Signed": "true"}
    sensor.engine.feed_json(json.dumps(channel | before).encode())
    sensor.engine.feed_json(json.dumps(channel | {"ProcessId": 7, "ParentProcessId": 3, "Image": "C:\\x.exe"}).encode())
    questions = sensor.questions()
    sensor.engine.feed_json(json.dumps(channel | before | {"Image": "C:\\after.exe"}).encode())
    sensor.settle(all=True)
    assert len(questions) == 2
    frames = sensor.engine.take()
    assert [b"before" in frame.lineage[0] for frame in frames] == [True]


def test_every_alert_once() -> None:
    """Random starts, answers and ends of time: what is raised is what the rules say of each event, each once."""
    rng = random.Random(3)
    sensor = Sensor("unsigned", "plain", "payload unsigned")
    ledger = Ledger(sensor.names)
    unsigned = {
        f"C:\\{n}{name}": rng.random() < 0.5 for n in range(9) for name in ("\\plain.exe", "\\regsvr32.exe", ".dll")
    }
    programs = [path for path in unsigned if path.endswith(".exe")]
    libraries = [path for path in unsigned if path.endswith(".dll")]
    open_questions: list[Question] = []

    for index in range(2000):
        image, library = rng.choice(programs), rng.choice(libraries)
        start = line(ImageName=image, CommandLine=f"x {library}", TimeDateStamp=index // 500)
        assert sensor.engine.feed_json(start, index=index)
        payload = image.endswith("regsvr32.exe") and unsigned[library]
        late = ["undecidable"] if "regsvr32" in image else []
        ledger.allow(index, "unsigned", "match" if unsigned[image] else "no", "undecidable")
        ledger.allow(index, "payload unsigned", "match" if payload else "no", *late)
        ledger.allow(index, "plain", "match" if image.endswith("plain.exe") else "no")
        open_questions += sensor.questions()
        while open_questions and rng.random() < 0.4:
            question = open_questions.pop(rng.randrange(len(open_questions)))
            sensor.answer(question, signed=str(not unsigned[question.path.decode()]).lower())
        if rng.random() < 0.01:
            sensor.settle(all=True)
        ledger.collect(sensor.engine.take())
    sensor.settle(all=True)
    ledger.collect(sensor.engine.take())
    ledger.check(matches=500)

"""Stories: what an analyst sees, at every width, and that nothing from an alert is obeyed by a terminal."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_terminal import TEXT

from sensor.encode import from_json
from sensor.escape import escape
from sensor.render import Renderer, by_story
from sensor.render.command import command_text, quote
from sensor.render.lineage import chain_line, origin_of
from sensor.render.parts import Paper
from sensor.render.trust import trust_lines
from sensor.terminal import columns

SGR = re.compile(r"\x1b\[[0-9;]*m")
STORIES = Path(__file__).parents[1] / "golden" / "stories"


def alert(text: str = "id", **more: Any) -> dict[str, Any]:
    """One with `text` wherever somebody else chooses what stands there."""
    writer = {"image": text, "command_line": text, "user": text, "pid": 7, "url": text, "destination_ip": text}
    facts = {"trust": "unpackaged", "package": text, "owner": text, "filesystem": text, "privilege": [text]}
    return {
        "rule": {"id": text, "title": text, "level": "high", "tags": ["attack.t1218", text], "falsepositives": [text]},
        "verdict": "match",
        "event": {"id": text, "seq": 4},
        "time": 1_700_000_000_123_456_789,
        "host": text,
        "fields": {"CommandLine": text, "DestinationIp": text, text: text, "Tty": text, "LogonId": text},
        "process": {"pid": 42, "image": text, "argv": ["sh", "-c", text, ""], "command_line": text, "user": text},
        "lineage": [{"pid": 3, "image": "/usr/sbin/sshd", "command_line": text}, {"pid": 1, "image": text}],
        "proxy": {"chain": ["env", text], "payload": {"kind": text, "command_line": text, "path": text, "url": text}},
        "facts": {"image": {**facts, "writer": writer}, "payload": facts},
        "connections": [{"offset_s": -0.5, "pid": 3, "image": text, "dst": text, "dport": text, "error": text}],
        "undecidable": {"cause": text, "reason": text, "level": text},
        "notes": [text],
        **more,
    }


# ---- goldens: WRITE_GOLDEN=1 writes them anew ----
CASES = [(path.stem, width) for path in sorted(STORIES.glob("*.json")) for width in (60, 100, 160)]


def story_alerts(name: str) -> list[dict[str, Any]]:
    return [from_json(json.dumps(each).encode()) for each in json.loads((STORIES / f"{name}.json").read_bytes())]


@pytest.mark.parametrize(("name", "width"), CASES, ids=str)
def test_goldens(name: str, width: int) -> None:
    alerts = [
        from_json(json.dumps(each).encode()) for each in json.loads((STORIES / f"{name}.json").read_text("utf-8"))
    ]
    plain, colours = (Renderer(colour=colour, width=width) for colour in (False, True))
    shown = b"".join(plain.story(story) for story in by_story(alerts)).decode()
    golden = STORIES / f"{name}.{width}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(shown, "utf-8")
    assert shown == golden.read_text("utf-8")
    assert all(columns(line) <= width for line in shown.splitlines())
    painted = b"".join(colours.story(story) for story in by_story(alerts)).decode()
    assert SGR.sub("", painted) == shown  # colour adds nothing and takes nothing away


def test_the_coloured_form() -> None:
    alerts = story_alerts("chain")
    shown = Renderer(colour=True, width=100).story(alerts).decode()
    golden = STORIES / "chain.100.ansi"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(shown, "utf-8")
    assert shown == golden.read_text("utf-8")


# ---- hostile content ----
@given(TEXT, st.integers(40, 200), st.booleans())
def test_no_control_reaches_the_terminal_and_no_line_is_too_wide(text: str, width: int, colour: bool) -> None:
    out = Renderer(colour=colour, width=width).render(alert(text)).decode("utf-8")
    plain = SGR.sub("", out) if colour else out
    assert all(escape(line) == line for line in plain.split("\n"))
    assert all(columns(line) <= width for line in plain.split("\n"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(alert(), JSON)), JSON, JSON)
def test_any_json_is_rendered(strange: dict[str, Any], payload: Any, facts: Any) -> None:
    odd = dict.fromkeys(("CgroupId", "DestinationIp", "LogonId", "TargetFilename"), facts)
    mixed = alert(proxy={"chain": payload, "payload": payload}, facts=facts, fields=odd, evidence={"lost": odd})
    for one in (strange, {**alert(), **strange}, mixed):
        out = Renderer(colour=False, width=80).render(one).decode("utf-8")
        assert all(escape(line) == line and columns(line) <= 80 for line in out.split("\n"))


ANCESTORS = st.fixed_dictionaries(
    {}, optional={"image": TEXT, "command_line": TEXT, "pid": st.integers(0, 4194304)}
)  # 4194304: the kernel's largest pid


@given(st.lists(ANCESTORS, max_size=40), st.integers(40, 100))
def test_a_deep_lineage_keeps_within_the_width(lineage: list[dict[str, object]], width: int) -> None:
    out = Renderer(colour=False, width=width).render(alert(lineage=lineage)).decode()
    assert all(columns(line) <= width for line in out.split("\n"))


# ---- commands ----
@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("plain-1.0/x", "plain-1.0/x"),
        ("", "''"),
        ("two words", "'two words'"),
        ("it's", "'it'\\''s'"),
        ("\x1b[31m", "$'\\e[31m'"),
        ("a\nb'\\", "$'a\\nb\\'\\\\'"),
        ("\udcff\u202e\x9b", "$'\\xff\\u202e\\u009b'"),
        ("$(id)", "'$(id)'"),
        ("caf\u00e9", "'caf\u00e9'"),
        ("x" * 300, "x" * 152 + "… 300 bytes …" + "x" * 75),
    ],
)
def test_arguments_read_back_as_bash_would(argument: str, shown: str) -> None:
    assert quote(argument) == shown


def test_a_long_command_keeps_both_ends_and_the_true_length() -> None:
    process = {"argv": ["sh", "-c", "h" * 100_000, "last"], "argv_bytes": 100_010}
    assert command_text(process, 480) == f"sh -c {quote('h' * 100_000)} last"
    assert "… 100,000 bytes …" in command_text(process, 480)
    many = command_text({"argv": ["a b"] * 1000, "argv_bytes": 4000}, 300)
    assert len(many) == 300
    assert "… 4,000 bytes …" in many


def test_a_long_command_takes_a_few_lines_only() -> None:
    one = alert()
    one["process"]["argv"] = [str(n) * 50 for n in range(1000)]
    assert len(Renderer(colour=False, width=100).render(one).decode().splitlines()) < 40


# ---- stories ----
def test_the_alerts_of_one_event_are_one_story() -> None:
    alerts = [alert(event={"id": "a-1"}), alert(event={"id": "a-1"}), alert(event={"id": "a-2"}), alert(event={})]
    alerts += [alert(event={"file": "x", "index": 0}), alert(event={"file": "x", "index": 0}), alert(event={})]
    assert [len(story) for story in by_story(alerts)] == [2, 1, 1, 2, 1]


def test_a_story_begins_with_the_gravest_rule() -> None:
    def one(title: str, level: str, verdict: str = "match") -> dict[str, Any]:
        return alert(rule={"id": title, "title": title, "level": level}, verdict=verdict)

    story = [one("c", "low", "undecidable"), one("b", "low"), one("a", "critical")]
    lines = Renderer(colour=False, width=80).story(story).decode().splitlines()
    assert [line.split()[:2] for line in lines[:3]] == [["CRITICAL", "a"], ["LOW", "b"], ["LOW?", "c"]]


ENV_CHAIN = ["env", "nice", "timeout", "bash"]


@pytest.mark.parametrize(
    ("ancestors", "own", "chain", "line"),
    [
        (["systemd", "bash", "find", "dash"], "dash", ["find", "dash", "dash"], "bash → find → dash → dash"),
        (["systemd", "cron", "sh"], "env", ENV_CHAIN, "cron → sh → env → nice → timeout → bash"),
        (["systemd", "sshd", "sshd", "bash"], "env", ENV_CHAIN, "sshd → bash → env → nice → timeout → bash"),
        (["systemd", "bash", "timeout"], "bash", ENV_CHAIN, "bash → env → nice → timeout → bash"),
        (["systemd", "bash", "timeout", "bash"], "id", ENV_CHAIN, "bash → env → nice → timeout → bash"),
        (["systemd", "bash", "timeout"], "update", ["timeout"], "bash → timeout"),
        (["systemd", "bash"], "bash", ["bash"], "bash → bash"),
        ([], "env", ENV_CHAIN, "env → nice → timeout → bash"),
    ],
)
def test_the_chain_names_every_program_once(ancestors: list[str], own: str, chain: list[str], line: str) -> None:
    lineage = [{"pid": n + 1, "image": f"/bin/{name}"} for n, name in enumerate(ancestors)][::-1]
    one = alert(lineage=lineage, process={"pid": 99, "image": f"/bin/{own}"}, proxy={"chain": chain})
    assert chain_line(one, Paper(100, False)) == line
    assert chain_line(one, Paper(29, False)).count("→") <= line.count("→")


@pytest.mark.parametrize(
    ("ancestors", "origin"),
    [
        (["bash", "sshd", "systemd"], "an ssh session"),
        (["sh", "cron", "systemd"], "a cron job"),
        (["php", "nginx", "systemd"], "the service nginx"),
        (["sh", "entrypoint"], ""),
        (["bash"], ""),
        ([], ""),
    ],
)
def test_where_it_came_from(ancestors: list[str], origin: str) -> None:
    lineage = [{"pid": len(ancestors) - n, "image": f"/bin/{name}"} for n, name in enumerate(ancestors)]
    assert origin_of(alert(lineage=lineage)) == origin


def test_each_exec_of_a_chain_is_one_story() -> None:
    def one(pid: int, name: str, parent: int, payload: str = "id", rule: str = "r") -> dict[str, Any]:
        return {
            **{"rule": {"id": rule, "level": "high"}, "verdict": "match", "event": {"id": f"run-{pid}{name}"}},
            "process": {"pid": pid, "start": pid, "image": f"/bin/{name}"},
            "lineage": [{"pid": parent, "start": parent, "image": "/bin/sh"}],
            "proxy": {"chain": ["env", "nice", "sh"], "payload": {"kind": "command", "command_line": payload}},
        }

    renderer = Renderer(colour=False, width=100)
    shown = [
        renderer.story([each]).decode()
        for each in (
            one(7, "env", 1),
            one(7, "nice", 1),
            one(8, "sh", 7),
            one(7, "timeout", 1),
            one(9, "sh", 1),
            one(9, "sh", 1, payload="other"),
            one(9, "sh", 1, payload="other", rule="another"),
        )
    ]
    assert [text.lstrip("\n").startswith("HIGH") for text in shown] == [True, False, False, False, True, True, True]
    assert shown[1] == " " * 11 + "and again as nice(7), with the same rules and payload; event run-7nice\n"


def trust_of(**facts: Any) -> str:
    image = {"process": {"pid": 1, "image": "/tmp/x"}, "proxy": {"chain": ["env"], "payload": {"path": "/tmp/x"}}}
    return "\n".join(trust_lines({**image, "facts": facts}, Paper(200, False)))


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"trust": "packaged", "package": "coreutils", "version": "9.1-1"}, "+ x: as coreutils 9.1-1 has it"),
        ({"trust": "modified", "package": "coreutils"}, "- x: not as coreutils has it: modified"),
        ({"trust": "unpackaged", "first_seen": True}, "- x: of no package, never run here before"),
        ({"owner": "root", "writable": "no", "first_seen": False}, "+ x: only root can change it, run here before"),
        ({"owner": "alice", "writable": "group"}, "- x: its group may write it, alice's"),
        ({"writable": "folder"}, "- x: others may replace it in its folder"),
        ({"filesystem": "memfd"}, "- x: it lies in memory and has no name (memfd)"),
        (
            {"filesystem": "overlay-upper", "age_s": 3},
            "- x: changed in the container (upper layer), changed 3 s before",
        ),
        ({"trust": "packaged", "age_s": 3}, "+ x: as a package has it"),
        ({"age_s": 86400 * 212}, "+ x: unchanged for 212 days"),
        ({"privilege": ["setuid", "capabilities"]}, "- x: has setuid, capabilities"),
        ({"filesystem": "ext4", "age_s": 86400}, ""),
        ({"signed": True, "signature": "Maker\x1b", "signature_status": "Valid"}, "+ x: signed by Maker\\e"),
        ({"signed": "true", "signature_status": "Expired"}, "+ x: signed by somebody without a name; it has expired"),
        ({"signed": False, "signature_status": "Unavailable"}, "- x: not signed"),
        ({"signed": False, "signature_status": "Invalid"}, "- x: its signature does not hold: Invalid"),
    ],
)
def test_what_speaks_for_and_against_a_file(facts: dict[str, Any], told: str) -> None:
    assert trust_of(image=facts) == told


def test_a_program_that_is_the_payload_is_told_once() -> None:
    assert trust_of(image={"trust": "unpackaged"}, payload={"trust": "unpackaged"}) == "- /tmp/x: of no package"


def test_a_program_under_another_name() -> None:
    fields = {"RenamedProxy": "true", "ProxyIdentity": "env\x1b"}
    assert trust_lines({"fields": fields}, Paper(80, False)) == ["- it is env\\e under another name"]

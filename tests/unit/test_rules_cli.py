"""`linsang rules` from outside: rules and events in files, what is said of them, the exit code."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sensor.cli import main
from sensor.config import Windows
from sensor.coverage import live_sources
from sensor.rules_cli import Asked, explain

DEMO = Path(__file__).parents[1] / "golden" / "demo.linsang"
HEAD = "title: {title}\nid: {id}\nstatus: test\nlevel: {level}\nauthor: {author}\nlogsource: {{{source}}}\n"
WINDOWS = "product: windows, category: process_creation"
LINUX = "product: linux, category: process_creation"
RULES = {
    # file: title, id, level, author, logsource, detection
    "tool.yml": ("Tool run", "aaaa1111", "high", "Ann", WINDOWS, "s: {Image|endswith: '\\tool.exe'}, condition: s"),
    "many.yml": (
        "Many values",
        "aaaa2222",
        "low",
        "Bo",
        WINDOWS,
        f"s: {{CommandLine|contains: [{', '.join(f'word{n}' for n in range(40))}]}}, condition: s",
    ),
    "here.yml": ("Here", "bbbb1111", "medium", "Ann", LINUX, "s: {Image|endswith: /bash}, condition: s"),
    "part.yml": (
        "Partly",
        "bbbb2222",
        "medium",
        "Ann",
        LINUX,
        "s: {Image|endswith: /x, Nowhere: y}, t: {Image|endswith: /z}, condition: s or t",
    ),
    "hole.yml": ("Hole", "bbbb3333", "low", "Bo", LINUX, "s: {Image|expand: '%tools%'}, condition: s"),
    "web.yml": ("Web", "cccc1111", "critical", "Bo", "category: webserver", "s: {c-uri: x}, condition: s"),
}
DEMO = Path(__file__).parents[1] / "golden" / "demo.linsang"  # its event 42 is an exit
SYSMON = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1}
EVENTS: list[dict[str, Any]] = [
    {"Channel": "Security", "EventID": 4624, "Image": "C:\\tool.exe"},
    {**SYSMON, "Image": "C:\\other.exe", "CommandLine": "a"},
    {**SYSMON, "Image": "C:\\Tool.EXE", "CommandLine": "word39"},
    {"Image": "C:\\tool.exe"},
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with rules, events and caches of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    Path("rules").mkdir()
    for name, (title, start, level, author, source, detection) in RULES.items():
        head = HEAD.format(
            title=title, id=f"{start}-0000-4000-8000-000000000000", level=level, author=author, source=source
        )
        Path("rules", name).write_text(f"{head}detection: {{{detection}}}\n")
    Path("events.ndjson").write_text("".join(f"{json.dumps(event)}\n" for event in EVENTS) + "no JSON\n")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["rules", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


# ---- check ----


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), ["6 rules loaded, 0 refused", "1 can fire on: live", "1 degraded", "4 cannot fire"]),
        ((), ["1 live has no Nowhere", "2 no source for windows/process_creation/*", "1 no value for %tools% (--exp"]),
        (("--expand", "tools=/bin/id"), ["2 can fire", "3 cannot fire"]),
        (("--product", "windows"), ["2 can fire on: ", " sources ", "4 cannot fire"]),
        (("--verbose",), ["rules/web.yml:1: cccc1111-0000-4000-8000-000000000000: cannot fire: no source for */webs"]),
        (("--rules", "rules/tool.yml", "--seen-by", "sysmon"), ["1 rule loaded", "1 can fire on: sysmon"]),
    ],
)
def test_check(place: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: list[str]) -> None:
    where = () if "--rules" in arguments else ("rules",)
    code, out, _ = run(capsys, "check", *where, *arguments)
    assert code == 0
    for text in said:
        assert text in " ".join(out.split()), out


def test_check_names_what_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("rules/bad.yml").write_text("title: bad\n")
    code, out, _ = run(capsys, "check", "rules")
    assert code == 1
    assert out.startswith("rules/bad.yml:1: ")
    assert "6 rules loaded, 1 refused" in out


# ---- list ----


@pytest.mark.parametrize(
    ("arguments", "titles"),
    [
        ((), ["Web", "Tool run", "Here", "Partly", "Hole", "Many values"]),
        (("--level", "high"), ["Web", "Tool run"]),
        (("--author", "bo"), ["Web", "Hole", "Many values"]),
        (("--logsource", "windows/process"), ["Tool run", "Many values"]),
        (("--verdict", "can-fire"), ["Here"]),
        (("--verdict", "degraded"), ["Partly"]),
        (("--verdict", "cannot-fire", "--product", "windows"), ["Web", "Here", "Partly", "Hole"]),
        (("--tag", "t1218"), []),
    ],
)
def test_list(place: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], titles: list[str]) -> None:
    code, out, _ = run(capsys, "list", "rules", "--format", "json", *arguments)
    assert code == 0
    assert [json.loads(line)["title"] for line in out.splitlines()] == titles
    code, out, _ = run(capsys, "list", "rules", *arguments)
    assert out.splitlines()[-1] == f"{len(titles)} rules".replace("1 rules", "1 rule")
    assert len(out.splitlines()) == (len(titles) + 2 if titles else 1)
    assert "\x1b" not in out


def test_a_terminal_has_colour_and_lines_that_fit(place: Path) -> None:
    Path("rules/tool.yml").write_text(Path("rules/tool.yml").read_text().replace("Tool run", "Tool run " + "x" * 90))
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "sensor", "rules", "list", "rules"]
        environ = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(DEMO.parents[2])} | environment
        if coloured:
            environ.pop("NO_COLOR", None)
        subprocess.run(["stty", "cols", "90"], stdin=theirs, check=True)
        child = subprocess.run(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environ, check=False)
        os.close(theirs)
        said = os.read(ours, 1 << 16).decode()
        os.close(ours)
        assert child.returncode == 0
        assert ("\x1b[1;31mhigh" in said) is coloured
        if not coloured:
            assert max(map(len, said.splitlines())) <= 90


def test_a_reader_that_has_enough_ends_it_quietly(place: Path) -> None:
    command = [sys.executable, "-m", "sensor", "rules", "list", "rules"]
    reader, writer = os.pipe()
    os.close(reader)
    environ = {**os.environ, "PYTHONPATH": str(DEMO.parents[2])}
    child = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environ, check=False)
    os.close(writer)
    assert child.stderr == b""


# ---- explain ----

HIT = ["--event", "events.ndjson:2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["aaaa1111"], ["Tool run (high)", "cannot fire here: no source", "can fire in replay", "Image ends with"]),
        (["Tool run", *HIT], ["yes Image ends with", "native: match; reference: match", "result: fires"]),
        (["rules/tool.yml", *HIT], ["result: fires", "judged, as Image ends with '\\tool.exe' occurs"]),
        (["tool", "--event", "events.ndjson"], ["event 1 of events.ndjson", "not judged", "result: does not fire"]),
        (["aaaa1111", "--event", "events.ndjson:0"], ["never looked at: the rule is for windows/process_creation/*"]),
        (["aaaa1111", "--event", "events.ndjson:0"], ["the event is of windows/*/security"]),
        (["aaaa1111", "--event", "events.ndjson:3"], ["no known logsource", "its condition alone: match"]),
        (
            ["aaaa1111", "--event", "events.ndjson:3", "--product", "windows", "--category", "process_creation"],
            ["result: fires"],
        ),
        (["aaaa2222", *HIT], ["yes CommandLine contains 'word39'", "and 38 more: 38 no", "result: fires"]),
        (["aaaa2222", "--verbose", *HIT], ["no CommandLine contains 'word0'", "no CommandLine contains 'word38'"]),
        (["Here", "--event", str(DEMO)], ["linux/process_creation", "result: fires", "Image: '"]),
    ],
)
def test_explain(place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: list[str]) -> None:
    code, out, err = run(capsys, "explain", "--rules", "rules", *arguments)
    assert code == 0, err
    for text in said:
        assert text in " ".join(out.split()), out


DNS = "title: D\nid: dddd1111-0000-4000-8000-000000000000\nstatus: test\nlevel: low\nlogsource: {product: windows, "
DNS += "category: dns_query}\ndetection: {s: {QueryName: x}, condition: s}\n"


@pytest.mark.parametrize(
    ("provider", "verdict"), [("dns", "can fire"), ("network", "cannot fire")], ids=["asked for", "not asked for"]
)
def test_settings_of_windows(place: Path, capsys: pytest.CaptureFixture[str], provider: str, verdict: str) -> None:
    """What the sensor sees there is what it is told to ask for."""
    Path("dns.yml").write_text(DNS)
    seen = ("--product", "windows", "--seen-by", "live", "--windows-providers", provider, "--windows-channels", "x")
    code, out, _ = run(capsys, "check", "dns.yml", *seen)
    assert code == 0
    assert f"1 {verdict}" in out
    text = io.StringIO()
    sources = live_sources(Windows(providers=(provider,), channels=()), "windows")
    assert explain([Path("dns.yml")], Asked("dns.yml"), text, sources=sources) == 0
    assert f"{verdict} here" in text.getvalue()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["aaaa"], 2, "`aaaa` means 2 rules; give one's id: aaaa2222-"),
        (["Toool run"], 2, "no rule `Toool run` among 6; did you mean `tool run`?"),
        (["aaaa1111", "--event", "events.ndjson:5"], 2, "events.ndjson has 5 events, no event 5"),
        (["aaaa1111", "--event", "events.ndjson:x"], 2, "`x` is no number"),
        (["aaaa1111", "--event", "events.ndjson:4"], 1, "event 4 could not be read"),
        (["aaaa1111", "--event", f"{DEMO}:42"], 1, "event 42 is of a kind that rules are not about"),
        (["aaaa1111", "--event", "nothing.ndjson:0"], 1, "nothing.ndjson: No such file"),
    ],
)
def test_explain_refuses(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    got, out, err = run(capsys, "explain", "--rules", "rules", *arguments)
    assert (got, out) == (code, "")
    assert said in err


# ---- cost ----


def test_cost_is_of_the_rules_that_were_judged(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "cost", "events.ndjson", "--rules", "rules", "--format", "json")
    answer = json.loads(out)
    assert code == 0
    assert [(row["title"], row["candidates"], row["timed"]) for row in sorted(answer["costs"], key=str)] == [
        ("Tool run", 1, 1),
        ("Many values", 1, 1),
    ]
    assert sum(row["share"] for row in answer["costs"]) == pytest.approx(1, abs=1e-4)
    assert answer["rules"] == 6
    code, out, _ = run(capsys, "cost", "events.ndjson", "--rules", "rules", "--top", "1")
    assert "and 1 cheaper rule; --top 0 shows all" in out
    assert "2 of 6 rules were judged at all" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing.ndjson"], 1, "nothing.ndjson: No such file"),
        (["rules/here.yml"], 1, "rules/here.yml: nothing in it is an event"),
        (["-"], 2, "events are read twice"),
        (["--runtime-dir", "."], 1, "no sensor runs in ."),
    ],
)
def test_cost_refuses(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    got, out, err = run(capsys, "cost", "--rules", "rules", *arguments)
    assert (got, out) == (code, "")
    assert said in err


# ---- help ----


@pytest.mark.parametrize("action", ["check", "list", "explain", "cost", "test"])
def test_help_shows_examples(capsys: pytest.CaptureFixture[str], action: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["rules", action, "--help"])
    assert ended.value.code == 0
    assert f"examples:\n  linsang rules {action} " in capsys.readouterr().out

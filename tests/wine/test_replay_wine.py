"""A replay on Windows says what it says on Linux, byte for byte, of every kind of input and in every form of output."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from event_files import write, write_refused
from windows_python import ROOT, Python, windows_path

CORPUS = os.environ.get("LINSANG_CORPUS")
DEMO = ROOT / "tests" / "golden" / "demo.linsang"
SAY_ALL = Path(__file__).parent / "say_all.py"
RULES = {
    "any": """\
title: Any process
id: 3f1b4c5e-0000-4000-8000-000000000001
status: test
level: low
logsource: {category: process_creation}
detection: {selection: {Image|exists: true}, condition: selection}
""",
    "every": """\
title: Every event
id: 3f1b4c5e-0000-4000-8000-000000000002
status: test
level: low
logsource: {product: windows}
detection: {none: {Nowhere|exists: true}, condition: not none}
""",
}
PROCESSES = ["--product", "windows", "--category", "process_creation"]
TIMES = {"elapsed_s", "decode_ns", "match_ns"}  # of a summary
Command = tuple[list[str], str | None]  # arguments, a file for standard input
Told = tuple[int, bytes, bytes]  # exit code, standard output, standard error


def commands(inputs: list[str], refused: list[str]) -> dict[str, Command]:
    """By name; what they write is called after them."""
    made: dict[str, Command] = {name: ([name], None) for name in [*inputs, *refused]}
    made |= {f"- < {name}": (["-"], name) for name in inputs}
    for form in ("json", "pretty", "msgpack"):
        files = inputs if form == "json" else inputs[:2]  # the others take their time
        made[form] = ([*files, "--output", f"stdout:?format={form}"], None)
        made[f"{form} file"] = ([*files, *refused, "--output", f"file:{form}.out?format={form}"], None)
    made["no events"] = (["empty.ndjson"], None)
    made["summary"] = ([*inputs, "--loop", "2", "--output", "file:summary.out", "--summary", "summary.json"], None)
    made["summary -"] = (["sysmon.ndjson", "--output", "file:more.out", "--summary", "-"], None)
    made["reference"] = (["sysmon.ndjson", "demo.linsang", "sessions.etl", "--engine", "reference"], None)
    made["logsource"] = (["shapes.ndjson", *PROCESSES], None)
    made["no rule's"] = (["sysmon.ndjson", "--product", "plan9", "--category", "nothing"], None)
    made["no option"] = (["sysmon.ndjson", "--speeed", "max"], None)
    made["no speed"] = (["sysmon.ndjson", "--speed", "1x"], None)
    made["no folder"] = (["sysmon.ndjson", "--output", "file:no/such/folder/x"], None)
    return made


def of_others(folder: Path) -> dict[str, Command]:
    """The same of events that nobody here wrote: every one with all that is decoded of it."""
    corpus = Path(CORPUS or folder)
    kinds = {
        "process events": [corpus / "events" / "windows_process_creation.ndjson"],
        "mixed events": [corpus / "events" / "windows_mixed_sysmon.ndjson.gz"],
        "event logs": sorted((corpus / "regression").rglob("*.evtx")),
        "traces": sorted((corpus / "etw" / "etl").glob("*.etl")),
        "Endpoint Security": [corpus / "macos" / "esf_events.ndjson"],
    }
    made: dict[str, Command] = {}
    for kind, files in kinds.items() if CORPUS else ():
        assert files, kind
        names = [f"{number}-{file.name}" for number, file in enumerate(files)]
        for name, file in zip(names, files, strict=True):
            shutil.copy(file, folder / name)
        logsource = PROCESSES if kind == "process events" else []
        made[kind] = ([*names, *logsource, "--output", f"file:{kind}.out"], None)
    return made


class Side:
    """One of both systems: what its commands came to, by name, and the files that they wrote."""

    def __init__(self, folder: Path) -> None:
        for name, rule in RULES.items():
            (folder / name).mkdir()
            (folder / name / "rule.yml").write_text(rule)
        shutil.copy(DEMO, folder)
        self.inputs = ["demo.linsang", *write(folder)]
        self.refused = write_refused(folder, DEMO.read_bytes())
        self.others = of_others(folder)
        self.commands = commands(self.inputs, self.refused) | self.others
        self.folder = folder
        self._given = {path.name for path in folder.iterdir()}

    def asked(self, root: str) -> str:
        """For say_all.py. `root`: the project's folder, as the system calls it."""
        separator = "\\" if "\\" in root else "/"
        shipped = [separator.join((root, "rules", product)) for product in ("linux", "windows")]
        common = ["--cache-dir", "cache", "--rules", "any"]
        more = [part for folder in ("every", *shipped) for part in ("--rules", folder)]
        asked = []
        for arguments, given in self.commands.values():
            rules = common if "reference" in arguments else common + more  # it compiles them anew
            asked.append([["replay", *arguments, *rules], given])
        return json.dumps(asked)

    def heard(self, output: str) -> None:
        answers = [(code, *map(base64.b64decode, streams)) for code, *streams in json.loads(output)]
        self.told: dict[str, Told] = dict(zip(self.commands, answers, strict=True))
        written = [path for path in self.folder.iterdir() if path.is_file() and path.name not in self._given]
        self.written = {path.name: path.read_bytes() for path in written}


@pytest.fixture(scope="module")
def sides(python: Python, tmp_path_factory: pytest.TempPathFactory) -> tuple[Side, Side]:
    """Linux and Windows."""
    linux, windows = Side(tmp_path_factory.mktemp("linux")), Side(tmp_path_factory.mktemp("windows"))
    here = [sys.executable, str(SAY_ALL)]
    done = subprocess.run(
        here, input=linux.asked(str(ROOT)), cwd=linux.folder, capture_output=True, text=True, check=True
    )
    linux.heard(done.stdout)
    done = python(str(SAY_ALL), cwd=windows.folder, given=windows.asked(windows_path(ROOT)))
    assert done.returncode == 0, done.stderr
    windows.heard(done.stdout)
    return linux, windows


def differing(here: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    """What is not the same, by name."""
    return {name: (here.get(name), there.get(name)) for name in here | there if here.get(name) != there.get(name)}


def test_alerts_are_the_same_bytes(sides: tuple[Side, Side]) -> None:
    linux, _ = sides
    silent = [name for name in linux.inputs if linux.told[name][1].count(b"\n") < 2]
    assert silent == [], "nothing to compare"
    out = [{name: (code, out) for name, (code, out, _) in side.told.items()} for side in sides]
    assert differing(*out) == {}


def test_files_are_the_same_bytes(sides: tuple[Side, Side]) -> None:
    linux, _ = sides
    for name in ("json", "pretty", "msgpack", *linux.others):
        assert len(linux.written[f"{name}.out"]) > 10_000
    written = [side.written | {"summary.json": b""} for side in sides]
    assert differing(*written) == {}


def test_alerts_are_those_of_all_inputs(sides: tuple[Side, Side]) -> None:
    """However they are given: each by itself, all at once, by standard input."""
    _, windows = sides
    alone = b"".join(windows.told[name][1] for name in windows.inputs)
    assert windows.told["json"][1] == alone
    assert windows.written["json.out"].startswith(alone)
    for name in windows.inputs:
        assert windows.told[f"- < {name}"][1] == windows.told[name][1].replace(f'"{name}"'.encode(), b'"-"'), name


def counted(summary: bytes) -> dict[str, Any]:
    """Without what each run measures."""
    return {name: value for name, value in json.loads(summary).items() if name not in TIMES}


def test_summaries_count_the_same(sides: tuple[Side, Side]) -> None:
    linux, windows = sides
    assert counted(linux.written["summary.json"]) == counted(windows.written["summary.json"])
    assert counted(linux.told["summary -"][2]) == counted(windows.told["summary -"][2])


def plain(said: bytes) -> bytes:
    """With neither a system's own marks nor times."""
    return re.sub(rb" in [0-9.]+ s\b", b"", said.replace(b"\r\n", b"\n").replace(b"\\", b"/"))


def test_what_is_refused_is_said_in_the_same_words(sides: tuple[Side, Side]) -> None:
    """But for what a system puts between folders, and at the end of a line."""
    said = [{name: plain(err) for name, (_, _, err) in side.told.items()} for side in sides]
    for side in said:
        del side["summary -"]
    assert differing(*said) == {}
    unsaid = [name for name in sides[0].refused if sides[0].told[name][0] == 0 or not said[0][name]]
    assert unsaid == []

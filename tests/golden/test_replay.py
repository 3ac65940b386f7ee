"""Replay of the demo's recording: the same bytes whichever engine, speed and form of the recording.

WRITE_GOLDEN=1 writes demo.alerts.ndjson anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from sensor.cli import main
from sensor.errors import InputError
from sensor.recording import RecordingReader, RecordingWriter

HERE = Path(__file__).parent
DEMO = HERE / "demo.linsang"
EXPECTED = HERE / "demo.alerts.ndjson"
RULES = ["--rules", str(HERE.parents[1] / "rules" / "linux")]


def replay(to: Path, *arguments: str, code: int = 0) -> bytes:
    """The alerts; event.file without its folder."""
    to.unlink(missing_ok=True)
    assert main(["replay", *arguments, *RULES, "--output", f"file:{to}?format=json"]) == code
    return to.read_bytes().replace(str(HERE).encode() + b"/", b"")


def test_golden(tmp_path: Path) -> None:
    alerts = replay(tmp_path / "a", str(DEMO))
    if os.environ.get("WRITE_GOLDEN"):
        EXPECTED.write_bytes(alerts)
    assert alerts == EXPECTED.read_bytes(), "WRITE_GOLDEN=1 pytest tests/golden/test_replay.py"


WAYS = [["--engine", "reference"], ["--speed", "20000/s"], ["--process-table-entries", "300"]]


@pytest.mark.parametrize("way", WAYS, ids=" ".join)
def test_the_same_bytes_every_way(tmp_path: Path, way: list[str]) -> None:
    assert replay(tmp_path / "a", str(DEMO), *way) == EXPECTED.read_bytes()


def test_a_file_knows_nothing_of_the_one_before(tmp_path: Path) -> None:
    """Neither its processes nor its sequence numbers."""
    twice = replay(tmp_path / "a", str(DEMO), str(DEMO), "--loop", "2", "--summary", str(tmp_path / "s"))
    assert twice == EXPECTED.read_bytes() * 4
    summary = json.loads((tmp_path / "s").read_text())
    assert summary["lost"] == {"events": 0, "alerts": 0}
    assert summary["events"] == 4 * len(records())


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_names_of_users_are_those_of_the_host(tmp_path: Path, engine: str) -> None:
    """Of the recording's, not of the machine that replays it, and not of another recording's."""
    recordings = []
    for number, users in enumerate([{"0": "toor"}, {}]):
        recordings.append(tmp_path / f"{number}.linsang")
        with recordings[-1].open("wb") as file, RecordingWriter(file.fileno(), {"users": users}) as writer:
            for record in records():
                writer.append(record)
    alerts = replay(tmp_path / "a", *map(str, recordings), "--engine", engine)
    found = [json.loads(line) for line in alerts.splitlines()]
    names = {(a["event"]["file"], a["process"].get("user"), a["fields"]["User"]) for a in found}
    assert names == {(str(recordings[0]), "toor", "toor"), (str(recordings[1]), None, "0")}


def records() -> list[bytes]:
    with DEMO.open("rb") as file, RecordingReader(file.fileno(), str(DEMO)) as reader:
        return list(reader)


def without_names(alerts: bytes) -> list[dict[str, Any]]:
    """What a dump does not hold left out: the names of users, and the file's own name."""
    kept = []
    for line in alerts.splitlines():
        alert = json.loads(line)
        alert["event"].pop("file")
        alert.pop("time", None)
        alert["process"].pop("user", None)
        for name in ("User", "ParentUser"):
            alert["fields"].pop(name, None)
        kept.append(alert)
    return kept


def test_a_dump_is_replayed_like_its_recording(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["dump", str(DEMO)]) == 0
    dumped = tmp_path / "demo.ndjson"
    dumped.write_text(capfd.readouterr().out)
    assert len(dumped.read_text().splitlines()) == len(records())
    assert without_names(replay(tmp_path / "a", str(dumped))) == without_names(EXPECTED.read_bytes())


@pytest.mark.parametrize("size", [0, 20, 200, 5_000, 20_000, 37_000])
def test_a_cut_recording_gives_what_is_whole(tmp_path: Path, capfd: pytest.CaptureFixture[str], size: int) -> None:
    cut = tmp_path / "demo.linsang"
    cut.write_bytes(DEMO.read_bytes()[:size])
    whole = 0
    with cut.open("rb") as file:
        try:
            with RecordingReader(file.fileno(), str(cut)) as reader:
                for _ in reader:
                    whole += 1
        except InputError as error:
            said = str(error)
    assert main(["dump", str(cut)]) == 1
    shown = capfd.readouterr()
    assert len(shown.out.splitlines()) == whole
    assert shown.err == f"linsang: error: {said}\n"
    if size > 8:  # it says that it is a recording
        alerts = replay(tmp_path / "a", str(cut), code=1)
        assert EXPECTED.read_bytes().startswith(alerts.replace(str(tmp_path).encode() + b"/", b""))
        assert capfd.readouterr().err == f"linsang: error: {said}\n"

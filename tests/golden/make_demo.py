"""Makes demo.linsang again: records demo-session.sh on this machine and keeps the records of its processes alone.

    sudo .venv/bin/python tests/golden/make_demo.py

What other processes did meanwhile is left out, the sequence numbers of what stays are closed up, and the header says
neither host nor boot: nothing of the machine that recorded it is in the file but its kernel and its programs' paths.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from sensor.native import record_json
from sensor.recording import RecordingReader, RecordingWriter

HERE = Path(__file__).parent
LINSANG = HERE.parent.parent / ".venv" / "bin" / "linsang"
DEMO = HERE / "demo.linsang"
SESSION = "/srv/morning.sh"
SEQ = slice(8, 16)  # struct sn_header: size, type, cpu, then seq


def record(raw: Path) -> None:
    """The session, recorded with whatever else runs here."""
    shutil.copy(HERE / "demo-session.sh", SESSION)
    recorder = subprocess.Popen([LINSANG, "record", str(raw)], stderr=subprocess.PIPE, text=True)
    try:
        assert recorder.stderr
        for line in recorder.stderr:
            if "recording to" in line:
                break
        subprocess.run(["/bin/bash", SESSION], check=False, cwd="/srv", env={"PATH": "/usr/bin:/bin", "HOME": "/srv"})
        time.sleep(1)
    finally:
        recorder.terminate()
        recorder.communicate()
        Path(SESSION).unlink()


def session_only(records: list[bytes]) -> list[bytes]:
    """Of all records those of the session's process and its descendants, numbered without gaps."""
    decoded = [record_json(raw) for raw in records]
    first = next(e for e in decoded if e["type"] == "exec" and SESSION in e["argv"])
    kept = {(first["pid"], first["start"])}
    for event in decoded:
        if event["type"] == "fork" and (event["creator_pid"], event["creator_start"]) in kept:
            kept.add((event["pid"], event["start"]))
    numbers: Counter[int] = Counter()
    result = []
    for raw, event in zip(records, decoded, strict=True):
        if event["type"] in {"exec", "fork", "exit", "connect"} and (event["pid"], event["start"]) in kept:
            cpu = int.from_bytes(raw[6:8], "little")
            changed = bytearray(raw)
            changed[SEQ] = numbers[cpu].to_bytes(8, "little")
            numbers[cpu] += 1
            result.append(bytes(changed))
    return result


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.linsang"
        record(raw)
        with raw.open("rb") as file, RecordingReader(file.fileno(), str(raw)) as reader:
            header, records = reader.header, session_only(list(reader))
    header.update(host="demo", boot_id="00000000-0000-0000-0000-000000000000", kernel=header["kernel"].split("-")[0])
    with DEMO.open("wb") as made, RecordingWriter(made.fileno(), header) as writer:
        for one in records:
            writer.append(one)
        writer.flush()
    print(f"{DEMO.name}: {len(records)} records, {DEMO.stat().st_size} bytes")


if __name__ == "__main__":
    main()

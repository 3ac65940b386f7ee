"""Facts of real files in alerts of `linsang run`: signed libraries under other names, programs that are not signed,
payloads, by sessions and the event log."""

import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "win32":
    pytest.skip("Windows' event tracing is not here: make test-windows", allow_module_level=True)

import yaml
from event_records import image_load, process_start
from fake_event_log import FakeEventLog
from fake_trace import FakeWindows
from test_live_windows import CREATED, DELIVER, PATIENCE_S, Sensor, until

from sensor.windows.names import paths

SIGNED = Path(__file__).resolve().parents[2] / "build" / "windows" / "home" / "python311.dll"
SIGNER = "Python Software Foundation"
RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "another's name": ("process_creation", {"OriginalFileName": "python311.dll", "Image|endswith": "\\evil.exe"}),
    "signed": ("process_creation", {"Signed": "true", "Signature": SIGNER, "SignatureStatus": "Valid"}),
    "not signed": ("process_creation", {"Signed": "false"}),
    "unsigned payload of a signed program": ("process_creation", {"Signed": "true", "PayloadSigned": "false"}),
    "renamed": ("process_creation", {"RenamedProxy": "true"}),
    "unsigned library in a signed program": ("image_load", {"ImageSigned": "true", "Signed": "false"}),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rules, and the cache in which the first sensor leaves them compiled."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "rules").mkdir()
    for number, (title, (category, selection)) in enumerate(RULES.items()):
        rule = {
            "title": title,
            "id": str(uuid.UUID(int=number + 1)),
            "status": "test",
            "level": "high",
            "logsource": {"product": "windows", "category": category},
            "detection": {"selection": selection, "condition": "selection"},
        }
        (folder / "rules" / f"{number}.yml").write_text(yaml.safe_dump(rule))
    return folder


class PatientSensor(Sensor):
    """Its events wait as long as a busy machine needs to look into a file."""

    def __init__(self, folder: Path, compiled: Path, windows: FakeWindows, *channels: str) -> None:
        super().__init__(folder, compiled, windows, *channels)
        self._config = self._config.but(engine=self._config.engine.but(fact_wait_ms=60_000))


@pytest.fixture
def sensor(tmp_path: Path, compiled: Path, windows: FakeWindows) -> Iterator[Sensor]:
    with PatientSensor(tmp_path, compiled, windows) as sensor:
        yield sensor
    assert sensor.code == 0


def kernel_path(file: Path) -> str:
    """As the kernel names it."""
    device = next(device for device, drive in paths().items() if drive == file.drive)
    return device + str(file)[len(file.drive) :]


def copied(file: Path, folder: Path, name: str) -> Path:
    return Path(shutil.copy(file, folder / name))


def changed(file: Path) -> Path:
    """One byte of it, which its signature is made of, is another."""
    content = bytearray(file.read_bytes())
    content[0x2000] ^= 1
    file.write_bytes(content)
    return file


def test_starts_and_loads(sensor: Sensor, tmp_path: Path) -> None:
    """In one run, since each takes seconds to begin."""
    evil, good = copied(SIGNED, tmp_path, "evil.exe"), copied(SIGNED, tmp_path, "good.exe")
    broken, own = changed(copied(SIGNED, tmp_path, "broken.exe")), copied(DELIVER, tmp_path, "own.exe")
    gone, library = tmp_path / "gone.exe", copied(DELIVER, tmp_path, "side.dll")
    for pid, file in enumerate((evil, good, broken, own, gone), 4242):
        sensor.deliver("linsang-process", process_start(pid, 4, kernel_path(file)))
    sensor.deliver("linsang-bulk", image_load(4243, kernel_path(library)))

    (alert,) = until(lambda: sensor.alerts("another's name"))
    assert alert["fields"]["Image"] == str(evil)
    image = alert["facts"]["image"]
    assert (image["original_file_name"], image["signed"], image["signature"]) == ("python311.dll", True, SIGNER)
    assert image["hashes"].startswith("SHA1=")
    assert ",IMPHASH=" in image["hashes"]

    (alert,) = until(lambda: sensor.alerts("unsigned library in a signed program"))
    assert alert["fields"]["ImageLoaded"] == str(library)
    assert (alert["facts"]["image"]["signed"], alert["facts"]["payload"]["signed"]) == (True, False)

    found = until(lambda: len(alerts := sensor.alerts("not signed")) == 3 and alerts)
    by_image = {alert["fields"]["Image"]: alert for alert in found}
    assert by_image[str(broken)]["facts"]["image"]["signature_status"] == "Invalid"
    assert by_image[str(own)]["facts"]["image"]["signature_status"] == "Unavailable"
    undecidable = by_image[str(gone)]["undecidable"]
    assert (undecidable["cause"], undecidable["reason"]) == ("Signed", "not known")
    facts = sensor.daemon.status()["facts"]
    assert (facts["off"], facts["work"]["faults"]) == ("", 0)


def test_a_payload_that_is_not_signed_of_a_program_that_is(
    tmp_path: Path, compiled: Path, windows: FakeWindows, security: FakeEventLog
) -> None:
    """The audit log tells the command line."""
    program, payload = copied(SIGNED, tmp_path, "regsvr32.exe"), copied(DELIVER, tmp_path, "own.dll")
    with PatientSensor(tmp_path, compiled, windows, "Security") as sensor:
        assert security.subscribed.wait(PATIENCE_S)
        line = f"<Data Name='CommandLine'>regsvr32 /s {payload}</Data></EventData>"
        security.write("Security", CREATED.replace("C:\\evil.exe", str(program)).replace("</EventData>", line))
        (alert,) = until(lambda: sensor.alerts("unsigned payload of a signed program"))
        assert alert["proxy"]["payload"]["path"] == str(payload)
        assert (alert["facts"]["image"]["signed"], alert["facts"]["payload"]["signed"]) == (True, False)

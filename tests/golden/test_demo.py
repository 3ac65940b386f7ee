"""The shipped recording against the shipped rules: what `make demo` shows."""

import json
import os
from pathlib import Path

from sensor.cli import main

HERE = Path(__file__).parent
RULES = HERE.parents[1] / "rules" / "linux"
EXPECTED = HERE / "demo.alerts.txt"


def replay(to: Path) -> bytes:
    """The alerts as JSON lines."""
    code = main(["replay", str(HERE / "demo.linsang"), "--rules", str(RULES), "--output", f"file:{to}?format=json"])
    assert code == 0
    return to.read_bytes()


def test_alerts(tmp_path: Path) -> None:
    alerts = [json.loads(line) for line in replay(tmp_path / "alerts").splitlines()]
    found = "".join(
        f"{alert['rule']['level']}\t{alert['rule']['title']}\t{alert['process']['command_line']}\n" for alert in alerts
    )
    if os.environ.get("WRITE_GOLDEN"):
        EXPECTED.write_text(found)
    assert found == EXPECTED.read_text(), "WRITE_GOLDEN=1 pytest tests/golden/test_demo.py"


def test_every_alert_names_who_started_it(tmp_path: Path) -> None:
    for line in replay(tmp_path / "alerts").splitlines():
        alert = json.loads(line)
        assert alert["verdict"] == "match"
        assert alert["lineage"][-1]["command_line"] == "/bin/bash /srv/morning.sh"


def test_twice_the_same_bytes(tmp_path: Path) -> None:
    assert replay(tmp_path / "first") == replay(tmp_path / "second")

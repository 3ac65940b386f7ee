"""`linsang doctor` on this kernel: it sees its own program, and the equations hold."""

import json
from pathlib import Path

import pytest

from sensor.cli import main


def test_all_is_well(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["doctor", "--format", "json", "--cache-dir", str(tmp_path)]) == 0
    checks = json.loads(capsys.readouterr().out)
    assert [check for check in checks if not check["ok"]] == []
    assert {"probes", "sees", "account", "lost"} <= {check["name"] for check in checks}

"""Drives and accounts, by the system that the test runs on."""

import os
import sys

import pytest

if sys.platform != "win32":
    pytest.skip("drives and SIDs are Windows': make test-windows", allow_module_level=True)

from sensor.windows.names import account, paths


def test_the_system_drive_has_a_device() -> None:
    found = paths()
    assert os.environ["SYSTEMROOT"][:2].upper() in found.values()
    assert all(device.startswith("\\") for device in found)
    assert found["\\SystemRoot"] == os.environ["SYSTEMROOT"]


@pytest.mark.parametrize(("sid", "name"), [("S-1-5-18", "NT AUTHORITY\\SYSTEM"), ("S-1-1-0", "Everyone")])
def test_accounts_that_every_windows_has(sid: str, name: str) -> None:
    assert account(sid) == name


@pytest.mark.parametrize("sid", ["S-1", "no SID", "S-1-5-21-1-2-3-4444"])
def test_nobody(sid: str) -> None:
    assert account(sid) == ""

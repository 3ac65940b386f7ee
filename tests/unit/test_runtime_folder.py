"""The folder of a running sensor: what it answers, and what it leaves behind."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from sensor import doors
from sensor.errors import LinsangError
from sensor.runtime import Runtime, ask_status


def test_an_answer_that_breaks_off(tmp_path: Path) -> None:
    with Runtime(str(tmp_path)) as runtime:
        runtime.serve("status", lambda: [b'{"up": 1'])
        with pytest.raises(LinsangError, match="ended while it answered"):
            ask_status(str(tmp_path))


@pytest.mark.parametrize("administrator", [True, False])
def test_a_service_is_not_where_a_user_looks(
    tmp_path: Path, administrator: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a folder of his own by default: that none runs there says nothing of the other."""
    monkeypatch.setattr("sensor.runtime.is_administrator", lambda: administrator)
    with pytest.raises(LinsangError, match="start it: linsang run") as refused:
        ask_status(str(tmp_path))
    assert ("a service answers administrators" in str(refused.value)) != administrator


def test_a_sensor_that_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "_PATIENCE_S", 0.01)
    with socket.socket(socket.AF_UNIX) as stopped:
        stopped.bind(str(tmp_path / "status.sock"))
        stopped.listen()
        with pytest.raises(LinsangError, match="does not answer; it is stopped or held up"):
            ask_status(str(tmp_path))


def test_only_a_killed_sensor_leaves_that_it_watched(tmp_path: Path) -> None:
    for _ in range(2):
        with Runtime(str(tmp_path)) as runtime:
            assert runtime.begin_watch() is None
    (tmp_path / "watching").touch()
    os.utime(tmp_path / "watching", (1000, 1000))
    with Runtime(str(tmp_path)):
        """One that does not come as far as to watch takes nothing away."""
    with Runtime(str(tmp_path)) as runtime:
        assert runtime.begin_watch() == 1000
        assert (tmp_path / "watching").stat().st_mtime > 1000

"""Units by the id of their cgroup: found, looked for again when unknown, but not more than once a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_render import alert

from sensor.render import Renderer
from sensor.units import Units


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("system.slice/cron.service", "cron.service"),
        ("system.slice/cron.service/inner", "cron.service"),
        ("user.slice/user-1000.slice/session-4.scope", "session-4.scope"),
        ("user.slice/user-1000.slice/user@1000.service/app.slice/vim.service", "vim.service"),
        ("system.slice", ""),
    ],
)
def test_units(tmp_path: Path, path: str, unit: str) -> None:
    folder = tmp_path / path
    folder.mkdir(parents=True)
    assert Units(str(tmp_path)).of(folder.stat().st_ino) == unit


def test_a_new_one_is_found_a_second_later(tmp_path: Path) -> None:
    clock = Clock()
    units = Units(str(tmp_path), clock)
    assert units.of(1) == ""
    folder = tmp_path / "new.service"
    folder.mkdir()
    assert units.of(folder.stat().st_ino) == ""
    clock.now = 1.0
    assert units.of(folder.stat().st_ino) == "new.service"
    folder.rmdir()
    assert Units(str(tmp_path / "nowhere")).of(1) == ""


def test_a_story_names_it(tmp_path: Path) -> None:
    one: dict[str, Any] = alert(fields={"CgroupId": 7})
    renderer = Renderer(colour=False, width=100, unit_of={7: "cron.service\x1b[2J"}.__getitem__)
    assert "unit cron.service\\e[2J" in renderer.story([one]).decode()
    replayed = {**one, "event": {"file": "day.linsang", "index": 3}}
    assert "cron.service" not in renderer.story([replayed]).decode()

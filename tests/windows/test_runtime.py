"""The folder of a running sensor on Windows: its lock, and its named pipes."""

import json
import sys
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import pytest

if sys.platform != "win32":
    pytest.skip("named pipes are Windows': make test-windows", allow_module_level=True)

from sensor.doors import _pipe_of
from sensor.errors import LinsangError
from sensor.runtime import NotRunning, Runtime, ask, ask_status

BLOCKS = [b"x" * 65536] * 20


def test_one_sensor_a_folder(tmp_path: Path) -> None:
    with Runtime(str(tmp_path)), pytest.raises(LinsangError, match=r"a sensor runs already in .* \(pid \d+\)"):
        Runtime(str(tmp_path))
    with Runtime(str(tmp_path)):
        pass


def test_it_answers_one_after_another(tmp_path: Path) -> None:
    with Runtime(str(tmp_path)) as runtime:
        runtime.serve("status", lambda: [json.dumps({"up": 1}).encode()])
        runtime.serve("processes", lambda: BLOCKS)
        for _ in range(3):
            assert ask_status(str(tmp_path)) == {"up": 1}
            assert b"".join(ask(str(tmp_path), "processes")) == b"".join(BLOCKS)
    with pytest.raises(NotRunning):
        ask_status(str(tmp_path))


def test_only_with_the_key(tmp_path: Path) -> None:
    """Who cannot read the folder knows no key; and gets no answer, and keeps nobody else from one."""
    with Runtime(str(tmp_path)) as runtime:
        runtime.serve("status", lambda: [b"{}"])
        key = tmp_path / "status.key"
        right = key.read_bytes()
        with pytest.raises(AuthenticationError):
            Client(_pipe_of(right), "AF_PIPE", authkey=bytes(32))
        key.write_bytes(bytes(32))
        with pytest.raises(NotRunning):
            ask_status(str(tmp_path))
        key.write_bytes(right)
        assert ask_status(str(tmp_path)) == {}


def test_nobody_can_take_its_pipe_before_it(tmp_path: Path) -> None:
    """It has another name each time."""
    names = set()
    for _ in range(3):
        with Runtime(str(tmp_path)) as runtime:
            runtime.serve("status", lambda: [b"{}"])
            names.add(_pipe_of((tmp_path / "status.key").read_bytes()))
    assert len(names) == 3


def test_one_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor.doors._PATIENCE_S", 0.1)
    over = threading.Event()

    def slow() -> list[bytes]:
        over.wait()
        return [b"{}"]

    with Runtime(str(tmp_path)) as runtime:
        runtime.serve("status", slow)
        with pytest.raises(LinsangError, match="does not answer; it is stopped or held up: see linsang service status"):
            ask_status(str(tmp_path))
        over.set()


@pytest.mark.parametrize("_", range(30))
def test_one_that_does_not_read_does_not_hold_up_the_end(tmp_path: Path, _: int) -> None:
    """Nor does the end take the handle from the thread that answers: that thread's error would be pytest's."""
    with Runtime(str(tmp_path)) as runtime:
        runtime.serve("processes", lambda: BLOCKS)
        answer = ask(str(tmp_path), "processes")
        assert next(answer) == BLOCKS[0]
        runtime.end_service()
        with pytest.raises((LinsangError, StopIteration)):  # noqa: PT012 - whatever is in the pipe still comes
            while True:
                next(answer)

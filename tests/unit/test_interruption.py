"""SIGINT and SIGTERM at the moment when a work is about to wait."""

import signal
import subprocess
import sys

import pytest

from sensor.interruption import held

# raise() and read() with nothing of the interpreter between them: it has looked for signals, and not yet begun to wait
WAITS = """
import ctypes, functools, operator, os, sys
from sensor.interruption import Interrupted, Interruption

work = Interruption()
steps = [functools.partial(getattr(ctypes.CDLL(None), "raise"), int(sys.argv[1])), functools.partial(os.read, 0, 1)]
with work.entered():
    try:
        with work.waiting():
            list(map(operator.call, steps))
    except Interrupted:
        print(work.signal)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows' waits end otherwise")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_just_before_the_wait_ends_it(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITS, str(int(number))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        assert child.stdout.read().split() == [b"%d" % number]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows' signals are not held")
def test_an_interrupt_ends_the_rule_compiler_without_a_word() -> None:
    """It comes before the interpreter has begun."""
    command = [sys.executable, "-P", "-m", "sensor.rule_compiler"]
    with held():
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with child:
        child.send_signal(signal.SIGINT)
        assert child.communicate() == (b"", b"")
    assert child.returncode == 130
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


# The handler runs while its thread holds whatever it waits on. Ends by a signal that comes when the first is forgotten.
TOLD = """
import signal, sys
from sensor import orders

clock = [0.0]
orders.time.monotonic = lambda: clock[0]
stop = orders.Stop()
signal.signal(signal.SIGTERM, stop.hear)
for _ in range(3):
    signal.raise_signal(signal.SIGTERM)
print(stop.asked, flush=True)
clock[0] = 1.0
signal.raise_signal(signal.SIGTERM)
print("never")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
def test_signals_in_a_row_are_one_and_a_later_one_is_meant() -> None:
    done = subprocess.run([sys.executable, "-c", TOLD], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, b"True\n")

"""What Windows starts for the service (windows/scm.py): `linsang run` with the settings under ProgramData."""

from __future__ import annotations

import ctypes
import faulthandler
import msvcrt
import os
import sys

from sensor.errors import LinsangError
from sensor.orders import Orders
from sensor.paths import SITE

assert sys.platform == "win32"

_LOG = "service.log"
_STANDARD = (-10, -11, -12)  # STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE


def main() -> None:
    """Until the service is stopped. What it has to say goes into the Application log and into a file."""
    from sensor.windows.service_host import Host  # noqa: PLC0415
    from sensor.windows.service_log import ServiceLog  # noqa: PLC0415

    log = ServiceLog()
    sys.stdout = sys.stderr = log
    os.chdir(os.environ.get("SYSTEMROOT", "C:\\"))
    _isolate_children()
    null = os.open(os.devnull, os.O_RDWR)
    _hand_down(null, null, null)

    def run(orders: Orders) -> int:
        from sensor.windows.folders import protect  # noqa: PLC0415 - what fails here is told

        protect(SITE)
        log.keep(SITE / _LOG)
        assert log.file is not None
        faulthandler.enable(log.file)
        _hand_down(null, null, log.file.fileno())
        from sensor import config  # noqa: PLC0415
        from sensor.daemon import run as watch  # noqa: PLC0415

        settings = config.load()
        if any(output.url.lower().startswith("stdout:") for output in settings.output):
            remedy = "write [[output]] and url = 'file:PATH' or another"
            raise LinsangError(f"{config.SYSTEM_FILE}: a service has no standard output", remedy)
        return watch(settings, orders)

    try:
        Host(run).dispatch()
    except LinsangError as error:
        print(f"error: {error}", file=log)
    finally:
        faulthandler.disable()
        log.close()


def _hand_down(*descriptors: int) -> None:
    """As standard input, output and error of processes that this one starts: Windows gives a service none, or such as
    cannot be inherited."""
    kernel = ctypes.WinDLL("kernel32")
    for number, descriptor in zip(_STANDARD, descriptors, strict=True):
        kernel.SetStdHandle(number, ctypes.c_void_p(msvcrt.get_osfhandle(descriptor)))


def _isolate_children() -> None:
    """This process was started with -I; those that it starts heed no variables of Python's either."""
    for name in [name for name in os.environ if name.upper().startswith("PYTHON")]:
        del os.environ[name]
    os.environ["PYTHONNOUSERSITE"] = "1"

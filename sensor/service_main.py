"""What Windows starts for the service (windows/scm.py): `linsang run` with the settings under ProgramData."""

from __future__ import annotations

import os
import sys

from sensor.errors import LinsangError

assert sys.platform == "win32"


def main() -> None:
    """Until the service is stopped. What it has to say goes into the Application log."""
    from sensor.windows.event_source import EventLogStream  # noqa: PLC0415

    sys.stdout = sys.stderr = EventLogStream()
    os.chdir(os.environ.get("SYSTEMROOT", "C:\\"))
    from sensor import config  # noqa: PLC0415 - it may fail: there is somebody now who is told
    from sensor.daemon import run  # noqa: PLC0415
    from sensor.windows.service_host import Host  # noqa: PLC0415

    try:
        Host(lambda orders: run(config.load(), orders)).dispatch()
    except LinsangError as error:
        print(f"error: {error}", file=sys.stderr)
    finally:
        sys.stderr.close()

"""The service control manager: Linsang as a service of Windows, installed, started, stopped, removed.

By ctypes: pywin32 would be 10 MB and a host process of its own for eight calls. Imports on Windows only.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ctypes import wintypes
from pathlib import Path
from typing import Any

from sensor.errors import LinsangError
from sensor.windows.wine import is_wine

assert sys.platform == "win32"

NAME = "Linsang"
_TITLE = "Linsang endpoint sensor"
_DESCRIPTION = "Tells what trusted programs were really made to run, by Sigma rules over event tracing."
_ALL_ACCESS = 0xF003F  # SC_MANAGER_ALL_ACCESS
_SERVICE_ALL = 0xF01FF
_SERVICE_LOOK = 0x4  # SERVICE_QUERY_STATUS
_MANAGER_LOOK = 0x1  # SC_MANAGER_CONNECT
_OWN_PROCESS, _AUTO_START, _ERROR_NORMAL = 0x10, 2, 1
_DESCRIPTION_LEVEL, _ACTIONS_LEVEL, _ACTIONS_FLAG_LEVEL, _PRESHUTDOWN_LEVEL = 1, 2, 4, 7
_INVALID_LEVEL = 124  # ERROR_INVALID_LEVEL
_EXISTS = 1073  # ERROR_SERVICE_EXISTS
_NOT_ACTIVE = 1062  # ERROR_SERVICE_NOT_ACTIVE
_NEVER_STARTED = 1077  # ERROR_SERVICE_NEVER_STARTED
_RESTART = 1  # SC_ACTION_RESTART
_RESTART_AFTER_MS = (5_000, 30_000, 60_000)  # the last one again and again
_FORGET_S = 86_400
_SHUTDOWN_MS = 20_000  # outputs have 5 s, and what is under way is judged before
_STOP, _PARAMETERS = 1, 6  # SERVICE_CONTROL_STOP, SERVICE_CONTROL_PARAMCHANGE
STATES = {1: "stopped", 2: "starting", 3: "stopping", 4: "running", 5: "resuming", 6: "pausing", 7: "paused"}
_PATIENCE_S = 60.0
_LOOK_S = 0.1
_MARKED = 1072  # ERROR_SERVICE_MARKED_FOR_DELETE
_REMEDIES = {
    5: "run it elevated (Run as administrator)",
    1056: "it runs already",
    1060: "install it first: linsang service install",
    1058: "it is disabled: linsang service install enables it",
    1061: "it is starting or ending: try again in a moment",
    1062: "it does not run",
    _MARKED: "close what has it open (services.msc), then try again",
}
WHY = """wevtutil qe Application /rd:true /c:9 /f:text /q:"*[System/Provider[@Name='Linsang']]" says why"""
_BOOT = "import sys; sys.path.append(sys.argv[1]); from sensor.service_main import main; main()"


class Status(ctypes.Structure):
    """SERVICE_STATUS."""

    _fields_ = tuple(
        (name, wintypes.DWORD)
        for name in ("kind", "state", "accepted", "exit_code", "specific_code", "checkpoint", "wait_ms")
    )


class _Action(ctypes.Structure):
    """SC_ACTION."""

    _fields_ = (("kind", wintypes.DWORD), ("after_ms", wintypes.DWORD))


class _Actions(ctypes.Structure):
    """SERVICE_FAILURE_ACTIONSW."""

    _fields_ = (
        ("forget_s", wintypes.DWORD),
        ("reboot_text", wintypes.LPWSTR),
        ("command", wintypes.LPWSTR),
        ("count", wintypes.DWORD),
        ("actions", ctypes.POINTER(_Action)),
    )


api = ctypes.WinDLL("advapi32", use_last_error=True)
for _name in ("OpenSCManagerW", "OpenServiceW", "CreateServiceW"):
    getattr(api, _name).restype = wintypes.HANDLE
api.OpenSCManagerW.argtypes = (wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.DWORD)
api.OpenServiceW.argtypes = (wintypes.HANDLE, wintypes.LPCWSTR, wintypes.DWORD)
api.CreateServiceW.argtypes = (
    *(wintypes.HANDLE, wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, wintypes.DWORD),
    *(wintypes.DWORD, wintypes.LPCWSTR, wintypes.LPCWSTR, ctypes.c_void_p, wintypes.LPCWSTR, wintypes.LPCWSTR),
    wintypes.LPCWSTR,
)
api.ChangeServiceConfigW.argtypes = (
    *(wintypes.HANDLE, wintypes.DWORD, wintypes.DWORD, wintypes.DWORD, wintypes.LPCWSTR, wintypes.LPCWSTR),
    *(ctypes.c_void_p, wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.LPCWSTR, wintypes.LPCWSTR),
)
api.ChangeServiceConfig2W.argtypes = (wintypes.HANDLE, wintypes.DWORD, ctypes.c_void_p)
api.StartServiceW.argtypes = (wintypes.HANDLE, wintypes.DWORD, ctypes.c_void_p)
api.ControlService.argtypes = (wintypes.HANDLE, wintypes.DWORD, ctypes.POINTER(Status))
api.QueryServiceStatus.argtypes = (wintypes.HANDLE, ctypes.POINTER(Status))
api.DeleteService.argtypes = (wintypes.HANDLE,)
api.CloseServiceHandle.argtypes = (wintypes.HANDLE,)


def _check(answer: Any, what: str) -> Any:
    """LinsangError where Windows says no."""
    if answer:
        return answer
    code = ctypes.get_last_error()
    raise LinsangError(
        f"{what}: {ctypes.FormatError(code).strip().rstrip('.')} (error {code})", _REMEDIES.get(code, "")
    )


@contextmanager
def _handle(handle: Any, what: str) -> Iterator[Any]:
    _check(handle, what)
    try:
        yield handle
    finally:
        api.CloseServiceHandle(handle)


@contextmanager
def _manager(access: int) -> Iterator[Any]:
    with _handle(api.OpenSCManagerW(None, None, access), "open the service control manager") as manager:
        yield manager


@contextmanager
def _service(access: int = _SERVICE_ALL) -> Iterator[Any]:
    with (
        _manager(_MANAGER_LOOK) as manager,
        _handle(api.OpenServiceW(manager, NAME, access), f"open the service {NAME}") as service,
    ):
        yield service


def command_line() -> str:
    """What Windows starts: this interpreter, isolated, with the folder of this package."""
    return subprocess.list2cmdline([sys.executable, "-I", "-c", _BOOT, str(Path(__file__).resolve().parents[2])])


def program() -> list[Path]:
    """Files and folders that the service is started from: who may change one of them is LocalSystem."""
    package = Path(__file__).resolve().parents[1]
    prefixes = dict.fromkeys(map(Path, (sys.prefix, sys.base_prefix)))
    library = Path(os.__file__).parent
    return [Path(sys.executable), *prefixes, library, package.parent, package, *package.glob("_native*")]


def install(command: str) -> list[str]:
    """Installs it: Windows starts `command` with itself, as LocalSystem, and again whenever it ends by itself. One that
    is there is changed to that. What wine has no notion of, a line each. LinsangError."""
    lacking = []
    with ExitStack() as stack:
        manager = stack.enter_context(_manager(_ALL_ACCESS))
        made = _made(manager, command)
        service = stack.enter_context(_handle(made or _changed(manager, command), f"install the service {NAME}"))
        actions = (_Action * len(_RESTART_AFTER_MS))(*[_Action(_RESTART, after) for after in _RESTART_AFTER_MS])
        failures = _Actions(_FORGET_S, None, None, len(actions), actions)
        levels: tuple[tuple[int, Any, str], ...] = (
            (_ACTIONS_LEVEL, failures, "start it again when it fails"),
            (_ACTIONS_FLAG_LEVEL, wintypes.BOOL(True), "take a stop with an error for a failure"),
            (_DESCRIPTION_LEVEL, wintypes.LPWSTR(_DESCRIPTION), "describe it"),
            (_PRESHUTDOWN_LEVEL, wintypes.DWORD(_SHUTDOWN_MS), "wait for it when Windows ends"),
        )
        try:
            for level, content, what in levels:
                done = api.ChangeServiceConfig2W(service, level, ctypes.byref(content))
                if not done and ctypes.get_last_error() == _INVALID_LEVEL and is_wine():
                    lacking.append(f"wine cannot be told to {what}")
                else:
                    _check(done, what)
        except LinsangError:
            if made:
                api.DeleteService(service)
            raise
    return lacking


def _made(manager: Any, command: str) -> Any:
    return api.CreateServiceW(
        *(manager, NAME, _TITLE, _SERVICE_ALL, _OWN_PROCESS, _AUTO_START, _ERROR_NORMAL, command),
        *(None, None, None, None, None),
    )


def _changed(manager: Any, command: str) -> Any:
    """The one that is there, if that is why none could be made; None: it is not, or does not let itself be changed."""
    if ctypes.get_last_error() != _EXISTS or not (service := api.OpenServiceW(manager, NAME, _SERVICE_ALL)):
        return None
    kinds = _OWN_PROCESS, _AUTO_START, _ERROR_NORMAL
    account = "LocalSystem", ""
    if api.ChangeServiceConfigW(service, *kinds, command, None, None, None, *account, _TITLE):
        return service
    code = ctypes.get_last_error()
    api.CloseServiceHandle(service)
    ctypes.set_last_error(code)
    return None


def remove() -> None:
    """Stops it and removes it. LinsangError: it is not there, or does not end."""
    with _service() as service:
        if api.ControlService(service, _STOP, ctypes.byref(Status())):
            _await(service, "stopped", {"stopping", "running"})
        else:
            _check(ctypes.get_last_error() == _NOT_ACTIVE, f"stop the service {NAME}")
        _check(api.DeleteService(service), f"remove the service {NAME}")
    _await_end()


def _await_end() -> None:
    """A removed service is there until its process and all who look at it have let it go: none can be installed."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        try:
            state()
        except LinsangError:
            return
        time.sleep(_LOOK_S)
    raise LinsangError(f"the service {NAME} will be removed when nobody looks at it any more", _REMEDIES[_MARKED])


def state() -> str:
    """One of STATES. LinsangError: it is not installed."""
    with _service(_SERVICE_LOOK) as service:
        return STATES.get(found := _status(service).state, str(found))


def exit_code() -> int:
    """What it ended with the last time; 0: well, or it did not end since Windows began. LinsangError: it is not
    installed."""
    with _service(_SERVICE_LOOK) as service:
        status = _status(service)
        return 0 if status.exit_code == _NEVER_STARTED else int(status.specific_code or status.exit_code)


def _status(service: Any) -> Status:
    status = Status()
    _check(api.QueryServiceStatus(service, ctypes.byref(status)), f"ask for the service {NAME}")
    return status


def start() -> None:
    """Starts it and waits until it runs. LinsangError: it does not."""
    with _service() as service:
        _check(api.StartServiceW(service, 0, None), f"start the service {NAME}")
        _await(service, "running", {"starting"})


def stop() -> None:
    """Stops it and waits for its end. LinsangError: it did not run, or does not end."""
    with _service() as service:
        _check(api.ControlService(service, _STOP, ctypes.byref(Status())), f"stop the service {NAME}")
        _await(service, "stopped", {"stopping", "running"})


def reload() -> None:
    """Has it read its rules again. LinsangError: it does not run."""
    with _service() as service:
        _check(api.ControlService(service, _PARAMETERS, ctypes.byref(Status())), f"tell the service {NAME}")


def _await(service: Any, wanted: str, meanwhile: set[str]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while (now := STATES.get(_status(service).state)) != wanted:
        if now not in meanwhile or time.monotonic() > end:
            raise LinsangError(f"the service {NAME} is {now}", WHY)
        time.sleep(_LOOK_S)

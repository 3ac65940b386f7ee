"""A systemd of one's own: process 1 of a pid namespace, with the units of one folder and no others."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sensor.errors import Unsupported

SYSTEMD = "/lib/systemd/systemd"
PATIENCE_S = 120.0  # a busy machine's
TARGETS = ("basic", "local-fs", "multi-user", "network", "shutdown", "sysinit")
# What it mounts and writes stays its own, settings of the kernel that would not be are kept from it.
BOOT = """
echo 0 > "$GROUP/cgroup.procs"
mount --make-rprivate /
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
	umount -l /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
mount -t tmpfs tmpfs /run
mkdir /run/var /run/var/upper /run/var/work
mount -t overlay -o lowerdir=/var,upperdir=/run/var/upper,workdir=/run/var/work overlay /var
mount -t tmpfs tmpfs /opt
mkdir /opt/linsang && mount --bind "$TREE" /opt/linsang
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=linsang-test NOTIFY_SOCKET="$UNITS/booted" \
	SYSTEMD_UNIT_PATH="$UNITS" SYSTEMD_GENERATOR_PATH="$UNITS/none" SYSTEMD_ENVIRONMENT_GENERATOR_PATH="$UNITS/none" \
	"$SYSTEMD" --system --unit=multi-user.target --log-target=console --show-status=no
"""


def _cgroups() -> Path:
    """Where cgroup v2 is mounted. Unsupported where it is not."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup2" and "rw" in options.split(","):
            return Path(place)
    raise Unsupported("a machine without cgroup v2", "mount -t cgroup2 cgroup2 /sys/fs/cgroup")


class OwnSystemd:
    """Booted when it is entered, gone with all that it started when it is left. `tree` is its /opt/linsang. Unsupported
    where there is no systemd or no room for one."""

    def __init__(self, units: Path, tree: Path) -> None:
        if not Path(SYSTEMD).exists() or not shutil.which("systemctl"):
            raise Unsupported("systemd", "apt-get install systemd")
        self._units = units
        for name in TARGETS:
            (units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n")
        self._group = _cgroups() / f"linsang-test-{os.getpid()}"
        self._environment = {
            "PATH": os.environ["PATH"],
            "GROUP": str(self._group),
            "TREE": str(tree),
            "UNITS": str(units),
            "SYSTEMD": SYSTEMD,
        }

    def __enter__(self) -> Self:
        try:
            self._group.mkdir()
        except OSError as error:
            raise Unsupported(f"a cgroup of our own ({error.strerror})", "run as root, with cgroups to write") from None
        command = ["unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--kill-child", "bash", "-ec", BOOT]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as booted, (self._units / "console").open("wb") as said:
            booted.bind(str(self._units / "booted"))
            booted.settimeout(0.1)
            self._child = subprocess.Popen(command, env=self._environment, stdout=said, stderr=said)
            try:
                self._await(booted)
            except BaseException:
                self._end()
                raise
        return self

    def _await(self, booted: socket.socket) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with suppress(TimeoutError):
                if b"READY=1" in booted.recv(4096).split(b"\n"):
                    return
            if self._child.poll() is not None:
                break
        words = (self._units / "console").read_text(errors="replace").splitlines()
        raise Unsupported(
            f"a systemd of one's own ({words[-1] if words else 'it says nothing'})", "namespaces, overlayfs"
        )

    def systemctl(self, *arguments: str) -> str:
        """What it answers. CalledProcessError when it refuses."""
        inner = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children").read_text().split()[0]
        command = ["nsenter", "--target", inner, "--mount", "--pid", "systemctl", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout

    def _end(self) -> None:
        self._child.kill()
        self._child.wait()
        end = time.monotonic() + PATIENCE_S
        for folder in sorted((path for path in self._group.rglob("*") if path.is_dir()), reverse=True):
            while folder.exists() and time.monotonic() < end:  # a group is busy until its last process is gone
                with suppress(OSError):
                    folder.rmdir()
        while self._group.exists() and time.monotonic() < end:
            with suppress(OSError):
                self._group.rmdir()

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

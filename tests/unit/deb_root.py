"""Real packages in a root folder of their own: made by dpkg-deb, installed by dpkg --root."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

needs_dpkg = [
    pytest.mark.skipif(not os.path.exists("/usr/bin/dpkg-deb"), reason="dpkg"),
    pytest.mark.skipif(os.geteuid() != 0, reason="dpkg --root needs root"),
]


class DebRoot:
    """A root folder with a dpkg database, merged like a Debian of today: /bin is a link to usr/bin."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._folder = folder
        for name in ("usr/bin", "var/lib/dpkg/info", "var/lib/dpkg/updates"):
            (self.root / name).mkdir(parents=True)
        (self.root / "bin").symlink_to("usr/bin")
        (self.root / "var/lib/dpkg/status").touch()

    def make(self, name: str, files: Mapping[str, bytes], version: str = "1", *, more: str = "") -> Path:
        """A package; `more`: lines of its control file; files below etc/ are configuration files."""
        tree = self._folder / f"{name}-{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN").chmod(0o755)  # dpkg-deb takes no other, whatever the umask
        control = f"Package: {name}\nVersion: {version}\nMaintainer: nobody <n@example>\nDescription: test\n"
        arch = "" if "Architecture:" in more else "Architecture: all\n"
        (tree / "DEBIAN/control").write_text(control + arch + more)
        for path, content in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(content)
            (tree / path).chmod(0o755)
        conffiles = [path for path in files if path.startswith("etc/")]
        if conffiles:
            (tree / "DEBIAN/conffiles").write_text("".join(f"/{path}\n" for path in conffiles))
        lines = [f"{hashlib.md5(files[p]).hexdigest()}  {p}\n" for p in sorted(files.keys() - set(conffiles))]
        (tree / "DEBIAN/md5sums").write_text("".join(lines))
        package = self._folder / f"{name}-{version}.deb"
        run("dpkg-deb", "--root-owner-group", "-Znone", "-b", str(tree), str(package))
        return package

    def forget_sums(self, name: str) -> None:
        """As a database that an old dpkg wrote: a new one makes the sums that a package did not bring."""
        (self.root / f"var/lib/dpkg/info/{name}.md5sums").unlink()

    def dpkg(self, *arguments: str | Path) -> None:
        """Runs dpkg on this root."""
        run(*self.command(*arguments))

    def command(self, *arguments: str | Path) -> list[str]:
        """What `dpkg` runs."""
        return ["dpkg", f"--root={self.root}", "--force-unsafe-io", *map(str, arguments)]

    def path(self, below: str) -> bytes:
        """Of a file in the root."""
        return os.fsencode(self.root / below)


def run(*command: str) -> None:
    """Raises with what the command said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

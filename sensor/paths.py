"""Where things lie that need not be named: the shipped rules beside the package, the host's own, the sensor's files."""

import os
import sys
from pathlib import Path

from sensor.system import is_administrator

if sys.platform == "win32":
    from sensor.system import program_data

    SITE = Path(program_data(), "Linsang")
else:
    SITE = Path("/etc/linsang")

_PACKAGE = Path(__file__).resolve().parent
# within the package where a wheel brought it, else beside it
SHIPPED_RULES = next((path for path in (_PACKAGE / "rules",) if path.is_dir()), _PACKAGE.parent / "rules")
GRAMMARS = SHIPPED_RULES / "grammars"
SITE_RULES = SITE / "rules.d"
SHIPPED_LISTS = SHIPPED_RULES / "lists"
SITE_LISTS = SITE / "lists.d"
_PLATFORMS = {"linux": "linux", "win32": "windows", "darwin": "macos"}
_SYSTEM = {"run": "/run/linsang", "cache": "/var/cache/linsang", "lib": "/var/lib/linsang"}


def default_rules() -> list[Path]:
    """The shipped rules of this platform, and the host's own; folders that this user cannot see are left out."""
    shipped = [SHIPPED_RULES / name for name in (_PLATFORMS.get(sys.platform, sys.platform), "common")]
    return [path for path in (*shipped, SITE_RULES) if os.path.isdir(path)]


def own_folder(kind: str, variable: str, home: str) -> str:
    """The sensor's folder for what is `run`, `cache` or `lib`: the system's for an administrator; for others the one of
    the XDG base directory specification (an absolute path in `variable`, else below the home), on Windows the one for
    local data of programs."""
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local", "Linsang")
        return str((SITE if is_administrator() else local) / kind)
    if is_administrator():
        return _SYSTEM[kind]
    base = os.environ.get(variable, "")
    return str((Path(base) if base.startswith("/") else _home() / home) / "linsang")


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # neither HOME nor an entry among the accounts
        return Path("/nonexistent")  # the home that Debian gives to whoever has none: what is to be kept there says so

"""Where the files are that are no Python: beside the package in a source tree, else below sys.prefix."""

import sys
from pathlib import Path

from sensor.errors import LinsangError

SITE_RULES = Path("/etc/linsang/rules.d")
_PLATFORMS = {"linux": "linux", "win32": "windows", "darwin": "macos"}


def data(name: str) -> Path:
    """The folder `name` (rules, probes, native, tests). LinsangError when it was not installed."""
    tree, installed = Path(__file__).resolve().parent.parent, Path(sys.prefix, "share", "linsang")
    for place in (tree, installed):
        if (place / name).is_dir():
            return place / name
    raise LinsangError(f"no folder `{name}` in {tree} or {installed}", "install the package again")


def default_rules() -> list[Path]:
    """The shipped rules of this platform, and the host's own."""
    shipped = [data("rules") / name for name in (_PLATFORMS.get(sys.platform, sys.platform), "common")]
    return [path for path in (*shipped, SITE_RULES) if path.is_dir()]

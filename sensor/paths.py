"""Where the rules are that need not be named: the shipped ones beside the package, and the host's own."""

import sys
from pathlib import Path

SHIPPED_RULES = Path(__file__).resolve().parents[1] / "rules"
GRAMMARS = SHIPPED_RULES / "grammars"
SITE_RULES = Path("/etc/linsang/rules.d")
SHIPPED_LISTS = SHIPPED_RULES / "lists"
SITE_LISTS = Path("/etc/linsang/lists.d")
_PLATFORMS = {"linux": "linux", "win32": "windows", "darwin": "macos"}


def default_rules() -> list[Path]:
    """The shipped rules of this platform, and the host's own; folders that are not there are left out."""
    shipped = [SHIPPED_RULES / name for name in (_PLATFORMS.get(sys.platform, sys.platform), "common")]
    return [path for path in (*shipped, SITE_RULES) if path.is_dir()]

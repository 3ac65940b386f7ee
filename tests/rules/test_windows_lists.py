"""The lists of AN0226 on Windows: what a site adds or takes away changes what the shipped rules say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shipped import ROOT

from sensor.compiler import Logsource, load_rules
from sensor.reference import Reference
from sensor.rule_files import Reading
from sensor.rule_lists import lists

SYSTEM = "C:\\Windows\\System32\\"
ADDRESS = {"Image": f"{SYSTEM}mshta.exe", "Initiated": "true", "DestinationIp": "198.51.100.7", "DestinationPort": 443}
PROCESS = {"Image": f"{SYSTEM}rundll32.exe", "CommandLine": "rundll32.exe C:\\Windows\\a.dll,Run"}


def fires(stem: str, event: dict[str, Any], site: Path) -> bool:
    """Whether the shipped rule fires on the event under the lists as `site` changes them."""
    (rule,) = load_rules([ROOT / "rules" / "windows" / f"{stem}.yml"], reading=Reading(expand=lists(site))).rules
    source = Logsource("windows", rule.info.logsource.category)
    return any(verdict is True for _, verdict in Reference([rule]).judge(event, source))


@pytest.mark.parametrize(
    ("name", "line", "stem", "event", "before"),
    [
        (
            "RemoteDomainAllowlist",
            "pages.corp.example",
            "net_connection_win_signed_binary",
            {**ADDRESS, "DestinationHostname": "start.pages.corp.example"},
            True,
        ),
        (
            "RemoteDomainAllowlist",
            "!microsoft.com",
            "dns_query_win_signed_binary",
            {"Image": f"{SYSTEM}mshta.exe", "QueryName": "go.microsoft.com"},
            False,
        ),
        (
            "InstallShareAllowlist",
            "files.corp.example\\install\\",
            "proc_creation_win_msiexec_remote_package",
            {"Image": f"{SYSTEM}msiexec.exe", "CommandLine": r"msiexec /qn /i \\files.corp.example\install\x.msi"},
            True,
        ),
        (
            "SignedBinaryList",
            "vendorloader.exe",
            "proc_creation_win_renamed_signed_binary",
            {"Image": "C:\\x\\other.exe", "OriginalFileName": "VendorLoader.exe"},
            False,
        ),
        (
            "SignedBinaryList",
            "!rundll32.exe",
            "proc_creation_win_proxy_by_unusual_parent",
            {**PROCESS, "ParentImage": "C:\\Office\\WINWORD.EXE"},
            True,
        ),
        (
            "ParentProcessName",
            "plant-viewer.exe",
            "proc_creation_win_proxy_by_unusual_parent",
            {**PROCESS, "ParentImage": "C:\\Plant\\plant-viewer.exe"},
            False,
        ),
        (
            "CommandLineRegex",
            "zq[0-9]{4}",
            "proc_creation_win_obfuscated_arguments",
            {**PROCESS, "CommandLine": "rundll32.exe C:\\Windows\\a.dll,Run zq1234"},
            False,
        ),
        (
            "WindowsWritableFolders",
            "D:\\Plant\\Data\\Exchange\\",
            "proc_creation_win_rundll32_writable_folder",
            {**PROCESS, "CommandLine": "rundll32.exe D:\\Plant\\Data\\Exchange\\a.dll,Run"},
            False,
        ),
    ],
)
def test_a_site_changes_a_list(  # noqa: PLR0917 - a row
    tmp_path: Path, name: str, line: str, stem: str, event: dict[str, Any], before: bool
) -> None:
    assert fires(stem, event, tmp_path) is before
    (tmp_path / f"{name}.txt").write_text(f"{line}\n")
    assert fires(stem, event, tmp_path) is not before

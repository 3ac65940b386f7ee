"""What the list RemoteDomainAllowlist lets by, in rules that read it of a payload: its addresses, and not what looks
like one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shipped import LISTS, ROOT

from sensor.compiler import load_rules
from sensor.reference import Reference

ALLOWED = (
    "https://get.docker.com",
    "https://get.docker.com/",
    "HTTPS://Get.Docker.com/x?y=1",
    "https://bun.sh/install",
    "https://raw.githubusercontent.com/nvm-sh/nvm/v0.39.7/install.sh",
    "https://community.chocolatey.org/install.ps1",
)
FOREIGN = (
    "http://get.docker.com",  # whoever is on the way may answer
    "https://get.docker.com.evil.example/x",
    "https://get.docker.com@evil.example/x",
    "https://get.docker.com:x@evil.example/x",
    "https://get.docker.com\\@evil.example/x",
    "https://get.docker.comx/",
    "https://evil.example/https://get.docker.com/",
    "https://raw.githubusercontent.com/nvm-sh/nvm/../../evil/x/a.sh",
    "https://raw.githubusercontent.com/nvm-sh/",
    "https://evil.example/?https://bun.sh/install",
    "https://bun.sh/install https://evil.example/x",
)


SYSTEM = "C:\\Windows\\System32\\"
# Rule -> an event of it: ADDRESS is the address, its first word PayloadUrl.
EVENTS: dict[str, dict[str, Any]] = {
    "linux/proc_creation_lnx_pipe_from_downloader": {
        "Image": "/usr/bin/dash", "CommandLine": "sh -c curl -fsSL ADDRESS | sh", "ProxyChain": ["dash", "sh"],
        "ProxyFunction": "shell", "PayloadKind": "pipe", "PayloadCommandLine": "curl -fsSL ADDRESS | sh",
    },
    "windows/proc_creation_win_mshta_remote": {
        "Image": f"{SYSTEM}mshta.exe", "CommandLine": "mshta.exe ADDRESS", "ProxyChain": ["mshta"],
        "ProxyFunction": "interpreter", "PayloadKind": "url",
    },
    "windows/proc_creation_win_msiexec_remote_package": {
        "Image": f"{SYSTEM}msiexec.exe", "CommandLine": "msiexec /q /i ADDRESS", "ProxyChain": ["msiexec"],
        "ProxyFunction": "package", "PayloadKind": "url",
    },
    "windows/proc_creation_win_proxy_address": {
        "Image": f"{SYSTEM}mshta.exe", "CommandLine": "mshta.exe ADDRESS", "ProxyChain": ["mshta"],
        "ProxyFunction": "interpreter", "PayloadKind": "url",
    },
    "windows/proc_creation_win_powershell_text_of_web": {
        "Image": f"{SYSTEM}WindowsPowerShell\\v1.0\\powershell.exe", "CommandLine": "powershell -c iex (irm ADDRESS)",
        "ProxyChain": ["powershell"], "ProxyFunction": "shell", "PayloadKind": "inline script",
        "PayloadCommandLine": "iex (irm ADDRESS)",
    },
}  # fmt: skip


def fires(rule: str, address: str) -> bool:
    (loaded,) = load_rules([ROOT / "rules" / f"{rule}.yml"]).rules
    event = {
        name: value.replace("ADDRESS", address) if isinstance(value, str) else value
        for name, value in EVENTS[rule].items()
    }
    judged = Reference([loaded]).judge(event | {"PayloadUrl": address.split(maxsplit=1)[0]}, loaded.info.logsource)
    return any(verdict is True for _, verdict in judged)


@pytest.mark.parametrize("rule", EVENTS)
@pytest.mark.parametrize(("addresses", "heard"), [(ALLOWED, False), (FOREIGN, True)])
def test_what_is_let_by(rule: str, addresses: tuple[str, ...], heard: bool) -> None:
    assert {address: fires(rule, address) for address in addresses} == dict.fromkeys(addresses, heard)


def test_addresses_end_their_host() -> None:
    """https://get.docker.com would be the beginning of https://get.docker.com.evil.example/, too."""
    assert not [value for value in LISTS["RemoteDomainAllowlist"] if "://" in value and value.count("/") < 3]


@pytest.mark.parametrize("path", sorted(ROOT.glob("rules/*/*.yml")), ids=lambda path: path.stem)
def test_every_reader_asks_for_the_whole_host(path: Path) -> None:
    text = path.read_text()
    for field in ("PayloadUrl", "PayloadWriterUrl", "ImageWriterUrl", "ImageLoadedWriterUrl"):
        if f"{field}|startswith|expand" in text and "%RemoteDomainAllowlist%" in text:
            assert f"{field}|re|i: '^https://[^/@?#\\\\]+(/([^.\\\\]|\\.[^.])*\\.?)?$'" in text

"""What is asked of Windows, held against a table of its manifests and against what the core can read."""

import re
from pathlib import Path

import pytest

from sensor.config import Config
from sensor.windows.providers import FILTER_IDS_MAX, OPTIONAL, Provider, SessionPlan, plans

ROOT = Path(__file__).resolve().parents[2]
LAYOUT = (ROOT / "native" / "etw_layout.def").read_text()

# name: GUID, keywords by name. github.com/jdu2600/Windows10EtwEvents at 84e7261, masks of
# github.com/repnz/etw-providers-docs (Windows 10 build 18990), the channel's of Windows' event log API.
MANIFESTS = {
    "Microsoft-Windows-Kernel-Process": (
        "22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716",
        {"PROCESS": 0x10, "THREAD": 0x20, "IMAGE": 0x40},
    ),
    "Microsoft-Windows-Kernel-Network": (
        "7dd42a49-5329-4832-8dfd-43d979153a88",
        {"IPV4": 0x10, "IPV6": 0x20},
    ),
    "Microsoft-Windows-Kernel-File": (
        "edd08927-9cc4-4e65-b970-c2560fb5c289",
        {
            "FILENAME": 0x10,
            "FILEIO": 0x20,
            "OP_END": 0x40,
            "CREATE": 0x80,
            "READ": 0x100,
            "WRITE": 0x200,
            "DELETE_PATH": 0x400,
            "RENAME_SETLINK_PATH": 0x800,
            "CREATE_NEW_FILE": 0x1000,
        },
    ),
    "Microsoft-Windows-Kernel-Registry": (
        "70eb4f03-c1de-4f73-a051-33d13d5413bd",
        {
            "CloseKey": 0x1,
            "SetValueKey": 0x100,
            "DeleteValueKey": 0x200,
            "QueryValueKey": 0x400,
            "EnumerateKey": 0x800,
            "CreateKey": 0x1000,
            "OpenKey": 0x2000,
            "DeleteKey": 0x4000,
            "QueryKey": 0x8000,
        },
    ),
    "Microsoft-Windows-DNS-Client": ("1c95126e-7eea-49a9-a3fe-a378b03ddb4d", {"Operational": 0x8000000000000000}),
    "Microsoft-Windows-WMI-Activity": ("1418ef04-b0b4-4623-bf7e-d74ab47bbdaa", {}),
    "Microsoft-Windows-PowerShell": ("a0c1853b-5c40-4b15-8766-3cf1c58f985a", {"Runspace": 0x1, "Pipeline": 0x20}),
}
# Session and provider: the keywords that bring the ids.
WANTED = {
    ("linsang-process", "Kernel-Process"): ({"PROCESS"}, {1, 2, 15}),
    ("linsang-bulk", "Kernel-Process"): ({"IMAGE"}, {5}),
    ("linsang-bulk", "Kernel-Network"): ({"IPV4", "IPV6"}, {12, 15, 28, 31}),
    ("linsang-bulk", "Kernel-File"): ({"DELETE_PATH", "RENAME_SETLINK_PATH", "CREATE_NEW_FILE"}, {26, 27, 28, 30}),
    ("linsang-bulk", "Kernel-Registry"): (
        {"CloseKey", "SetValueKey", "DeleteValueKey", "CreateKey", "OpenKey", "DeleteKey"},
        {1, 2, 3, 5, 6, 13},
    ),
    ("linsang-bulk", "DNS-Client"): ({"Operational"}, {3006, 3008}),
    ("linsang-bulk", "WMI-Activity"): (set(), {11, 22, 23}),
    ("linsang-bulk", "PowerShell"): ({"Runspace", "Pipeline"}, {4103, 4104}),
}
ALL = [(plan, provider) for plan in plans(OPTIONAL) for provider in plan.providers]


def key_of(provider: Provider) -> str:
    return provider.name.removeprefix("Microsoft-Windows-")


def decoded() -> dict[str, tuple[str, set[int]]]:
    """By provider's name, its GUID and the ids that etw_layout.def reads."""
    keys: dict[str, str] = {}
    found: dict[str, tuple[str, set[int]]] = {}
    for key, name, numbers in re.findall(r'SN_ETW_PROVIDER\((\w+),\s*"([^"]+)",\s*SN_GUID\(([^)]*)\)', LAYOUT):
        a, b, c, *d = (int(number, 16) for number in numbers.split(","))
        tail = "".join(f"{byte:02x}" for byte in d)
        keys[key], found[name] = name, (f"{a:08x}-{b:04x}-{c:04x}-{tail[:4]}-{tail[4:]}", set())
    for key, number in re.findall(r"SN_ETW_EVENT\((\w+),\s*(\d+),", LAYOUT):
        if key in keys:
            found[keys[key]][1].add(int(number))
    return found


@pytest.mark.parametrize(("plan", "provider"), ALL, ids=lambda one: one.name)
def test_numbers_are_those_of_the_manifests(plan: SessionPlan, provider: Provider) -> None:
    guid, keywords = MANIFESTS[provider.name]
    names, ids = WANTED[plan.name, key_of(provider)]
    assert provider.guid == guid
    assert provider.keywords == sum(keywords[name] for name in names)
    assert set(provider.ids) == ids
    assert provider.level == (5 if key_of(provider) in {"PowerShell", "WMI-Activity"} else 4)
    assert provider.properties == 0x80


def test_nothing_is_missing() -> None:
    assert {(plan.name, key_of(provider)) for plan, provider in ALL} == set(WANTED)


@pytest.mark.parametrize(("plan", "provider"), ALL, ids=lambda one: one.name)
def test_what_is_asked_for_is_read(plan: SessionPlan, provider: Provider) -> None:
    guid, ids = decoded()[provider.name]
    assert provider.guid == guid
    assert set(provider.ids) <= ids


@pytest.mark.parametrize(("plan", "provider"), ALL, ids=lambda one: one.name)
def test_filters_are_what_windows_takes(plan: SessionPlan, provider: Provider) -> None:
    """At most 64 ids and 1,024 bytes a filter (MAX_EVENT_FILTER_EVENT_ID_COUNT, MAX_EVENT_FILTER_DATA_SIZE)."""
    (kind, content), *others = provider.filters
    assert kind == 0x80000200
    assert content[0] == 1
    assert int.from_bytes(content[2:4], "little") == len(provider.ids) <= FILTER_IDS_MAX
    assert [int.from_bytes(content[at : at + 2], "little") for at in range(4, len(content), 2)] == list(provider.ids)
    assert others == ([(0, b"\x02\x00\x00\x00")] if key_of(provider) == "Kernel-Registry" else [])


def test_sessions() -> None:
    """Buffers in KiB and their numbers, modes (EVENT_TRACE_REAL_TIME_MODE, ..._SYSTEM_LOGGER_MODE), milliseconds."""
    assert [(p.name, p.buffer_kib, p.buffers, p.mode, p.flags, p.flush_ms) for p in plans(OPTIONAL)] == [
        ("linsang-process", 32, (64, 512), 0x100, 0, 10),
        ("linsang-system", 32, (64, 512), 0x02000100, 0x1, 10),
        ("linsang-bulk", 256, (64, 128), 0x100, 0, 50),
    ]


def test_the_configuration_offers_what_there_is() -> None:
    assert Config().windows.providers == tuple(OPTIONAL)


def test_what_is_not_wanted_is_not_asked_for() -> None:
    assert [plan.name for plan in plans([])] == ["linsang-process", "linsang-system"]
    (bulk,) = plans(["dns"])[2:]
    assert [provider.name for provider in bulk.providers] == ["Microsoft-Windows-DNS-Client"]

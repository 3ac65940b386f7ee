"""What is asked of Windows, held against what the core can read."""

import pytest
from etw_manifests import read_rows

from sensor.config import Config
from sensor.windows.providers import FILTER_IDS_MAX, OPTIONAL, Provider, SessionPlan, plans

# Session and provider: the ids. Their GUIDs and keywords are those of the manifests: test_etw_manifests.py.
WANTED = {
    ("linsang-process", "Kernel-Process"): {1, 2, 15},
    ("linsang-bulk", "Kernel-Process"): {5},
    ("linsang-bulk", "Kernel-Network"): {12, 15, 28, 31},
    ("linsang-bulk", "Kernel-File"): {26, 27, 28, 30},
    ("linsang-bulk", "Kernel-Registry"): {1, 2, 3, 5, 6, 13},
    ("linsang-bulk", "DNS-Client"): {3006, 3008},
    ("linsang-bulk", "WMI-Activity"): {11, 22, 23},
    ("linsang-bulk", "PowerShell"): {4103, 4104},
}
ALL = [(plan, provider) for plan in plans(OPTIONAL) for provider in plan.providers]


def key_of(provider: Provider) -> str:
    return provider.name.removeprefix("Microsoft-Windows-")


@pytest.mark.parametrize(("plan", "provider"), ALL, ids=lambda one: one.name)
def test_what_is_asked_for(plan: SessionPlan, provider: Provider) -> None:
    assert set(provider.ids) == WANTED[plan.name, key_of(provider)]
    assert provider.level == (5 if key_of(provider) in {"PowerShell", "WMI-Activity"} else 4)


def test_nothing_is_missing() -> None:
    assert {(plan.name, key_of(provider)) for plan, provider in ALL} == set(WANTED)


@pytest.mark.parametrize(("plan", "provider"), ALL, ids=lambda one: one.name)
def test_what_is_asked_for_is_read(plan: SessionPlan, provider: Provider) -> None:
    assert set(provider.ids) <= {row.id for row in read_rows() if row.provider == provider.name}


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

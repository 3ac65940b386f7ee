"""What is asked of Windows: trace sessions and their providers. Data only; nothing of Windows is imported.

GUIDs, keyword masks and ids as in the manifests of Windows 10 1511 to 11 26H1 (github.com/jdu2600/Windows10EtwEvents,
commit 84e7261; masks: github.com/repnz/etw-providers-docs). They are numbers because pywintrace takes a keyword's name
that it does not know for no keyword, which means all of them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace

INFORMATION, VERBOSE = 4, 5  # TRACE_LEVEL_*
REAL_TIME = 0x100  # EVENT_TRACE_REAL_TIME_MODE
SYSTEM_LOGGER = 0x02000000  # EVENT_TRACE_SYSTEM_LOGGER_MODE: the kernel logger's events in a session of one's own
FLAG_PROCESS = 0x1  # EVENT_TRACE_FLAG_PROCESS
FILTER_EVENT_ID = 0x80000200  # EVENT_FILTER_TYPE_EVENT_ID
FILTER_IDS_MAX = 64  # MAX_EVENT_FILTER_EVENT_ID_COUNT
# Undocumented, as Fibratus and Rustinel have it: with a filter of type 0 and these bytes, Kernel-Registry says what was
# written; without, CapturedData is empty.
CAPTURED_DATA = (0, struct.pack("<I", 2))


@dataclass(frozen=True)
class Provider:
    """A manifest provider as a session enables it. `ids`: only these events are written; `rundown`: it lists what is
    there when it is asked to (EVENT_CONTROL_CODE_CAPTURE_STATE)."""

    name: str
    guid: str
    keywords: int
    ids: tuple[int, ...]
    level: int = INFORMATION
    captured_data: bool = False
    rundown: bool = False

    @property
    def filters(self) -> list[tuple[int, bytes]]:
        """Type and bytes of each EVENT_FILTER_DESCRIPTOR. An EVENT_FILTER_EVENT_ID: FilterIn u8, u8, Count u16, u16 an
        id."""
        ids = struct.pack(f"<BBH{len(self.ids)}H", 1, 0, len(self.ids), *self.ids)
        return [(FILTER_EVENT_ID, ids)] + ([CAPTURED_DATA] if self.captured_data else [])


@dataclass(frozen=True)
class SessionPlan:
    """A session: fixed name, buffers (KiB each, how many), how often what is in them is to be handed over, how long
    its events wait for earlier ones of other sessions, who writes.

    With `flags` it is a private system logger instead: these are its EnableFlags, and there are no providers.
    """

    name: str
    buffer_kib: int
    buffers: tuple[int, int]
    flush_ms: int
    patience_ms: int
    providers: tuple[Provider, ...] = ()
    flags: int = 0

    @property
    def mode(self) -> int:
        """LogFileMode."""
        return REAL_TIME | (SYSTEM_LOGGER if self.flags else 0)


_PROCESS = Provider(
    "Microsoft-Windows-Kernel-Process", "22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716", 0x10, (1, 2, 15), rundown=True
)
_IMAGE = replace(_PROCESS, keywords=0x40, ids=(5,), rundown=False)
_NETWORK = Provider(  # its keywords bring each send and receive, too: the ids keep them out
    "Microsoft-Windows-Kernel-Network", "7dd42a49-5329-4832-8dfd-43d979153a88", 0x30, (12, 15, 28, 31)
)
_FILE = Provider(  # those that say the path themselves: deleted, renamed, linked, created
    "Microsoft-Windows-Kernel-File", "edd08927-9cc4-4e65-b970-c2560fb5c289", 0x1C00, (26, 27, 28, 30)
)
_REGISTRY = Provider(
    "Microsoft-Windows-Kernel-Registry",
    "70eb4f03-c1de-4f73-a051-33d13d5413bd",
    0x7301,
    (1, 2, 3, 5, 6, 13),
    captured_data=True,
)
_DNS = Provider("Microsoft-Windows-DNS-Client", "1c95126e-7eea-49a9-a3fe-a378b03ddb4d", 1 << 63, (3006, 3008))
_POWERSHELL = Provider(
    "Microsoft-Windows-PowerShell", "a0c1853b-5c40-4b15-8766-3cf1c58f985a", 0x21, (4103, 4104), level=VERBOSE
)
_WMI = Provider(  # no keyword: all
    "Microsoft-Windows-WMI-Activity", "1418ef04-b0b4-4623-bf7e-d74ab47bbdaa", 0, (11, 22, 23), level=VERBOSE
)
# What can be left out, by the name in the configuration.
OPTIONAL = {"image": _IMAGE, "network": _NETWORK, "file": _FILE, "registry": _REGISTRY, "dns": _DNS}
OPTIONAL |= {"powershell": _POWERSHELL, "wmi": _WMI}

# Small buffers are full soon, so that the process that started still lives when its start is read; how many there may
# be is what bridges a storm. A handover takes all that is in them: of 2,000 short processes 99.9 % were still there at
# 10 ms, 62 % at 20 ms; one session for everything lost half of 4,000 starts (Rustinel's measurements).
PROCESSES = SessionPlan("linsang-process", 32, (64, 512), 10, 0, (_PROCESS,))
_SYSTEM = SessionPlan("linsang-system", 32, (64, 512), 10, 0, flags=FLAG_PROCESS)
_BULK = SessionPlan("linsang-bulk", 256, (64, 128), 50, 100)


def plans(wanted: Iterable[str]) -> tuple[SessionPlan, ...]:
    """The sessions for the `wanted` of OPTIONAL, beside processes, which are always there."""
    chosen = set(wanted)
    providers = tuple(provider for name, provider in OPTIONAL.items() if name in chosen)
    bulk = (replace(_BULK, providers=providers),) if providers else ()
    return (PROCESSES, _SYSTEM, *bulk)

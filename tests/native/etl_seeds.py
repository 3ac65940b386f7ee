"""Writes seeds/etl, which fuzz_etl.c begins with: small logs of each kind of event.

python tests/native/etl_seeds.py
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "unit"))

from etl_file import Event, classic_image, classic_process, described, etl_file, kernel_start, sid, wide  # noqa: E402

MS = 1_000_000
KEY = struct.pack("<QQII", 0, 7, 0, 1) + wide("\\REGISTRY\\MACHINE") + wide("Run")
VALUE = struct.pack("<QIII", 7, 0, 4, 4) + wide("") + wide("v") + struct.pack("<H4sIIH", 4, b"\1\0\0\0", 0, 0, 0)
# UNICODESTRING, UINT8 by count, a structure of two, UINT32 as IPv4, UINT16 by count as text, BINARY, SID, DOUBLE
FIELDS = b"a\0\x01b\0\x44p\0\x98\x02c\0\x04d\0\x02e\0\x88\x08f\0\xc6\x02g\0\x0eh\0\x13i\0\x0c"
DESCRIBED = described(struct.pack("<H", 7 + len(FIELDS)) + b"\x80\0Ev\0" + FIELDS, b"\x07\0Make\0")
SEEDS = {
    "processes": [
        Event("classic process", 3, 4, classic_process(10, 1, "explorer.exe", "explorer")),
        Event("classic image", 3, 3, classic_image(10, "\\x\\explorer.exe"), at=MS),
        Event("classic process", 1, 4, classic_process(20, 10, "cmd.exe", "cmd /c dir", sid(18)), at=10 * MS),
        Event("process", 1, 3, kernel_start(20, 10, "\\x\\cmd.exe"), at=10 * MS + 100_000),
    ],
    "registry": [
        Event("registry", 2, 0, KEY),
        Event("registry", 5, 0, VALUE, at=100),
        Event("registry", 13, 0, struct.pack("<QI", 7, 0) + wide(""), at=200),
    ],
    "others": [
        Event("network", 12, 0, bytes(range(44))),
        Event("dns", 3008, 0, wide("a.b") + bytes(16) + wide("")),
        Event("file", 30, 1, bytes(32) + wide("\\x")),
        Event("powershell", 4104, 1, bytes(8) + wide("dir \ud800") + wide("") * 2),
    ],
    "described": [
        Event(
            "process", 0, 0, b"x\0\0\0\2\0\1\2\1y\0\x7f\0\0\1\2\0h\0i\0\x01\0\xab" + sid(18) + bytes(8), 0, 4, DESCRIBED
        ),
    ],
}

for name, events in SEEDS.items():
    (HERE / "seeds" / "etl" / name).write_bytes(etl_file(events, size=1024))

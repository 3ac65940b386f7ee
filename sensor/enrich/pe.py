"""What a Windows program or library says of itself, and its digests: the fields that Sysmon has of an image.

The strings come from the version resource, where anybody can write what he likes; the digests are of the whole file,
IMPHASH of the names that it imports. Reads what somebody else wrote: only to be called where a failure, a large amount
of memory and a long time are somebody else's loss (inspection.py).
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from typing import Any, BinaryIO

import pefile

# Key in the resource's StringFileInfo (winver.h) -> Sysmon's name.
STRINGS = {
    "FileVersion": "FileVersion",
    "FileDescription": "Description",
    "ProductName": "Product",
    "CompanyName": "Company",
    "OriginalFilename": "OriginalFileName",
}
_PARTS = ("IMAGE_DIRECTORY_ENTRY_RESOURCE", "IMAGE_DIRECTORY_ENTRY_IMPORT")
_TEXT_MAX = 1024  # characters of a string that are kept
_PIECE = 1 << 20


def digests(file: BinaryIO) -> dict[str, str]:
    """Those of a file that is no program."""
    if not file.seek(0, 2):
        return {"Hashes": _hashes(b"")}
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return {"Hashes": _hashes(content)}


def described(file: BinaryIO) -> dict[str, str]:
    """inspector.NAMES of an open file, those that it has. ValueError: no PE file, or damaged."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            program = pefile.PE(data=content, fast_load=True)
            program.parse_data_directories([pefile.DIRECTORY_ENTRY[name] for name in _PARTS])
        except pefile.PEFormatError as error:
            raise ValueError(str(error)) from None
        return dict(_strings(program)) | {"Hashes": _hashes(content, IMPHASH=program.get_imphash() or "0" * 32)}


def _strings(program: Any) -> Iterator[tuple[str, str]]:
    """Of the first language; a string that is empty is none."""
    tables = [
        table
        for group in getattr(program, "FileInfo", ())
        for part in group
        if part.Key == b"StringFileInfo"
        for table in part.StringTable
    ]
    for key, value in tables[0].entries.items() if tables else ():
        name = STRINGS.get(key.decode("utf-8", "replace"))
        text = value.decode("utf-8", "replace").strip()[:_TEXT_MAX]
        if name and text:
            yield name, text


def _hashes(content: mmap.mmap | bytes, **more: str) -> str:
    """As Sysmon writes them when it is told to make all there are."""
    made = [hashlib.new(name, usedforsecurity=False) for name in ("sha1", "md5", "sha256")]
    for at in range(0, len(content), _PIECE):
        piece = content[at : at + _PIECE]
        for digest in made:
            digest.update(piece)
    pairs = [*((digest.name, digest.hexdigest()) for digest in made), *more.items()]
    return ",".join(f"{name}={value}".upper() for name, value in pairs)

"""The naive twin of native/alert_facts.c: struct sn_facts of a frame to what an alert says of the files."""

from __future__ import annotations

from typing import Any

from sensor.native import Frame, ffi, lib

SECOND = 1_000_000_000
NEVER = -(1 << 63)
_TEXTS = {"filesystem": "FILESYSTEM", "owner": "OWNER", "package": "PACKAGE", "trust": "TRUST"}
_TEXTS |= {"version": "PACKAGE_VERSION", "writable": "WRITABLE"}
_TEXTS |= {"company": "COMPANY", "description": "DESCRIPTION", "file_version": "FILE_VERSION", "hashes": "HASHES"}
_TEXTS |= {"original_file_name": "ORIGINAL_NAME", "product": "PRODUCT", "signature": "SIGNATURE"}
_TEXTS |= {"signature_status": "SIGNATURE_STATUS"}
_TRUTHS = {"true": True, "false": False}
_WRITER = {"command_line": "COMMAND_LINE", "destination_ip": "DESTINATION_IP", "image": "IMAGE", "url": "URL"}
_WRITER |= {"user": "USER"}
# Sigma's name without Image or Payload.
_FIELDS = {
    "TRUST": "Trust",
    "PACKAGE": "Package",
    "PACKAGE_VERSION": "PackageVersion",
    "OWNER": "Owner",
    "WRITABLE": "Writable",
    "FILESYSTEM": "Filesystem",
    "MOUNT_FLAGS": "MountFlags",
    "AGE": "Age",
    "PRIVILEGE": "Privilege",
    "FIRST_SEEN": "FirstSeen",
    "WRITER_IMAGE": "WriterImage",
    "WRITER_COMMAND_LINE": "WriterCommandLine",
    "WRITER_USER": "WriterUser",
    "WRITER_PROCESS_ID": "WriterProcessId",
    "WRITER_URL": "WriterUrl",
    "WRITER_DESTINATION_IP": "WriterDestinationIp",
    "WRITTEN_AGE": "WrittenAge",
}


def facts_block(state: int, texts: dict[str, bytes], pid: bytes, lost: int, numbers: tuple[int, ...]) -> bytes:
    """A struct sn_facts; `numbers`: changed, first, written, writer_start."""
    size = ffi.sizeof("struct sn_facts")
    head = ffi.new("struct sn_facts *", {"state": state, "lost": lost})
    head.changed, head.first, head.written, head.writer_start = numbers
    tail = b""
    for name, text in {**texts, "WRITER_PROCESS_ID": pid}.items():
        head.text[getattr(lib, f"SN_FACT_{name}")] = {"off": size + len(tail), "len": len(text)}
        tail += text
    tail += b"\0" * (-len(tail) % 8)
    head.size = size + len(tail)
    return bytes(ffi.buffer(head)) + tail


class _File:
    """Facts of one file; `time` of the exec."""

    def __init__(self, block: bytes, time: int) -> None:
        self._block = block
        self._head = ffi.cast("struct sn_facts *", ffi.from_buffer(block)) if block else None
        self._time = time

    @property
    def state(self) -> int:
        return int(self._head.state) if self._head else int(lib.SN_FACTS_NONE)

    def value(self, name: str) -> Any:
        """None: absent or not known."""
        number = getattr(lib, f"SN_FACT_{name}")
        if self.state != lib.SN_FACTS_KNOWN or self._head.lost >> number & 1:
            return None
        if name in ("AGE", "WRITTEN_AGE"):
            since = self._head.changed if name == "AGE" else self._head.written
            return None if since == NEVER else max(0, self._time - since) // SECOND
        if name == "FIRST_SEEN":
            return self._time <= self._head.first
        span = self._head.text[number]
        text = self._block[span.off : span.off + span.len].decode("utf-8", "surrogateescape")
        if name in ("MOUNT_FLAGS", "PRIVILEGE"):
            return text.removesuffix("\0").split("\0") if text else None
        return (int(text) if name == "WRITER_PROCESS_ID" else text) if text else None

    def shown(self) -> dict[str, Any]:
        known = {name: self.value(fact) for name, fact in _TEXTS.items()}
        known |= {"age_s": self.value("AGE"), "first_seen": self.value("FIRST_SEEN")}
        known |= {"signed": _TRUTHS.get(self.value("SIGNED"))}
        known |= {"mount_flags": self.value("MOUNT_FLAGS"), "privilege": self.value("PRIVILEGE")}
        if self.state == lib.SN_FACTS_KNOWN and self._head.text[lib.SN_FACT_WRITER_PROCESS_ID].len:
            writer = {name: self.value(f"WRITER_{fact}") for name, fact in _WRITER.items()}
            writer |= {"age_s": self.value("WRITTEN_AGE"), "pid": self.value("WRITER_PROCESS_ID")}
            writer |= {"start": self._head.writer_start or None}
            known["writer"] = {name: value for name, value in writer.items() if value is not None}
        return {name: value for name, value in known.items() if value is not None}


class FactsTwin:
    """Of a frame; only that of a record has fields."""

    def __init__(self, frame: Frame, time: int) -> None:
        self._files = {"image": _File(frame.image_facts, time), "payload": _File(frame.payload_facts, time)}
        self._renamed = frame.renamed
        self.late = any(file.state == lib.SN_FACTS_LATE for file in self._files.values())

    def shown(self) -> dict[str, Any]:
        return {name: file.shown() for name, file in self._files.items() if file.state == lib.SN_FACTS_KNOWN}

    def fields(self) -> dict[str, Any]:
        found = {f"{n.title()}{to}": file.value(f) for n, file in self._files.items() for f, to in _FIELDS.items()}
        found["ProxyIdentity"] = self._files["image"].value("IDENTITY")
        if self._renamed:
            found["RenamedProxy"] = self._renamed == lib.SN_IS_RENAMED
        return {name: value for name, value in found.items() if value is not None}

"""Records for tests, made through cffi: the layout comes from event.h."""

from __future__ import annotations

from typing import Any

from sensor.native import ffi, lib

CPU_NONE: int = lib.SN_CPU_NONE


def _header(type_: int, members: dict[str, Any]) -> dict[str, Any]:
    """Takes the header's members out of `members`."""
    names = ("cpu", "seq", "time", "start", "pid", "flags")
    return {"type": type_, "cpu": CPU_NONE, **{n: members.pop(n) for n in names if n in members}}


def _finish(struct: Any, tail: bytes = b"") -> bytes:
    tail += b"\0" * (-(ffi.sizeof(ffi.typeof(struct).item) + len(tail)) % 8)
    struct.h.size = ffi.sizeof(ffi.typeof(struct).item) + len(tail)
    return bytes(ffi.buffer(struct)) + tail


def exec_record(
    *,
    image: bytes = b"/usr/bin/true",
    argv: list[bytes] | bytes = b"true\0",
    cwd: bytes = b"/",
    script: bytes = b"",
    type_: int = lib.SN_EXEC,
    **members: Any,
) -> bytes:
    """SN_EXEC or SN_PROCESS. argv as a list of arguments or as the raw block."""
    struct = ffi.new("struct sn_exec *", {"h": _header(type_, members)})
    block = argv if isinstance(argv, bytes) else b"".join(a + b"\0" for a in argv)
    struct.argc = block.count(b"\0")
    struct.argv_bytes = struct.argv_head = len(block)
    tail = b""
    for name, text in (("image", image), ("script", script), ("cwd", cwd), ("argv", block)):
        if text:
            setattr(struct, name, {"off": ffi.sizeof("struct sn_exec") + len(tail), "len": len(text)})
            tail += text
    for name, value in members.items():
        setattr(struct, name, value)
    return _finish(struct, tail)


def process_record(**members: Any) -> bytes:
    """SN_PROCESS."""
    return exec_record(type_=lib.SN_PROCESS, **members)


def fork_record(**members: Any) -> bytes:
    """SN_FORK."""
    return _finish(ffi.new("struct sn_fork *", {"h": _header(lib.SN_FORK, members), **members}))


def exit_record(**members: Any) -> bytes:
    """SN_EXIT."""
    return _finish(ffi.new("struct sn_exit *", {"h": _header(lib.SN_EXIT, members), **members}))


def connect_record(type_: int = lib.SN_CONNECT, **members: Any) -> bytes:
    """SN_CONNECT, SN_CONNECT_RESULT or SN_SOCKET; addresses as bytes, IPv4 in four."""
    members = {"family": 2, "protocol": 6, **members}
    for name in ("saddr", "daddr"):
        members[name] = list(members.get(name, b"").ljust(16, b"\0"))
    return _finish(ffi.new("struct sn_connect *", {"h": _header(type_, members), **members}))


def loss_record(**members: Any) -> bytes:
    """SN_LOSS."""
    return _finish(ffi.new("struct sn_loss *", {"h": _header(lib.SN_LOSS, members), **members}))


def load_record(path: bytes, **members: Any) -> bytes:
    """SN_LOAD; an empty path: some are lost."""
    struct = ffi.new("struct sn_load *", {"h": _header(lib.SN_LOAD, members), **members})
    struct.path = {"off": ffi.sizeof("struct sn_load") if path else 0, "len": len(path)}
    return _finish(struct, path)

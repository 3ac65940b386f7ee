"""Types out of BTF, read by libbpf (ctypes). Only in the loader child, when probes are compiled, and in tests.

Layouts: include/uapi/linux/btf.h.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from sensor.errors import Unsupported

INT, PTR, ARRAY, STRUCT, UNION, ENUM, TYPEDEF = 1, 2, 3, 4, 5, 6, 8
VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, TYPE_TAG, ENUM64 = 9, 10, 11, 12, 13, 18, 19
_MODIFIERS = frozenset({TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG})


@dataclass(frozen=True)
class Type:
    """One BTF type. `size` in bytes (the referenced type's id for modifiers, pointers and functions)."""

    kind: int
    name: str
    size: int
    parts: int
    bitfields: bool
    address: int


@dataclass(frozen=True)
class Member:
    """Of a structure: byte offset; `bits` is 0 unless it is a bitfield."""

    name: str
    type: int
    offset: int
    bits: int


def _libbpf() -> ctypes.CDLL:
    try:
        lib = ctypes.CDLL("libbpf.so.1", use_errno=True)
    except OSError:
        raise Unsupported("reading the kernel's types without libbpf", "apt-get install libbpf1") from None
    lib.btf__load_vmlinux_btf.restype = ctypes.c_void_p
    lib.btf__new.restype = ctypes.c_void_p
    lib.btf__new.argtypes = [ctypes.c_char_p, ctypes.c_uint32]
    lib.btf__type_by_id.restype = ctypes.c_void_p
    lib.btf__type_by_id.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    lib.btf__name_by_offset.restype = ctypes.c_char_p
    lib.btf__name_by_offset.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    lib.btf__find_by_name_kind.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32]
    lib.btf__resolve_size.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    lib.btf__resolve_size.restype = ctypes.c_int64
    return lib


class Btf:
    """The running kernel's types, or those in `raw`. They stay in memory until the process ends."""

    def __init__(self, raw: bytes | None = None) -> None:
        self._lib = _libbpf()
        self._btf = self._lib.btf__load_vmlinux_btf() if raw is None else self._lib.btf__new(raw, len(raw))
        if not self._btf:
            raise Unsupported(
                "a kernel without type information (BTF)", "use a kernel built with CONFIG_DEBUG_INFO_BTF"
            )

    def _text(self, offset: int) -> str:
        text: bytes = self._lib.btf__name_by_offset(self._btf, offset)
        return text.decode()

    def find(self, name: str, kind: int) -> int:
        """The type's id. KeyError when there is none."""
        found: int = self._lib.btf__find_by_name_kind(self._btf, name.encode(), kind)
        if found <= 0:
            raise KeyError(name)
        return found

    def type(self, ident: int) -> Type:
        """The type with this id; 0 is void."""
        address: int = self._lib.btf__type_by_id(self._btf, ident)
        name, info, size = struct.unpack("<III", ctypes.string_at(address, 12))
        return Type(info >> 24 & 0x1F, self._text(name), size, info & 0xFFFF, bool(info >> 31), address)

    def bare(self, ident: int) -> tuple[int, Type]:
        """The type behind typedefs and qualifiers."""
        found = self.type(ident)
        while found.kind in _MODIFIERS:
            ident = found.size
            found = self.type(ident)
        return ident, found

    def size(self, ident: int) -> int:
        """sizeof, in bytes."""
        size: int = self._lib.btf__resolve_size(self._btf, ident)
        return size

    def array(self, array: Type) -> tuple[int, int]:
        """Type and number of an array's elements."""
        element, _, count = struct.unpack("<III", ctypes.string_at(array.address + 12, 12))
        return element, count

    def is_signed(self, integer: Type) -> bool:
        """Of an INT."""
        encoding = struct.unpack("<I", ctypes.string_at(integer.address + 12, 4))[0]
        return bool(encoding >> 24 & 1)

    def members(self, structure: Type, base: int = 0) -> Iterator[Member]:
        """Of a structure or union; those of anonymous ones inside it count as its own."""
        for i in range(structure.parts):
            name, kind, where = struct.unpack("<III", ctypes.string_at(structure.address + 12 + 12 * i, 12))
            bits, at = (where >> 24, where & 0xFFFFFF) if structure.bitfields else (0, where)
            if name:
                yield Member(self._text(name), kind, base + at // 8, bits)
            else:
                inner = self.bare(kind)[1]
                if inner.kind in {STRUCT, UNION}:
                    yield from self.members(inner, base + at // 8)

    def arguments(self, tracepoint: str) -> int:
        """Number of arguments of a raw tracepoint. KeyError when the kernel has no such."""
        prototype = self.bare(self.type(self.bare(self.find(f"btf_trace_{tracepoint}", TYPEDEF))[0]).size)[1]
        return prototype.parts - 1  # the first is the tracepoint's own

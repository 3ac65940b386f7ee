"""kernel.h for the probes: the kernel's structures with only the members that probes/kernel.def names, each at the
offset that the running kernel's BTF gives, and what else bcc wants to find where it expects kernel headers.

A whole vmlinux.h would not do: bcc's compiler lays out some of its structures differently from the kernel's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sensor.errors import Unsupported
from sensor.sources import btf

# The name bcc force-includes, then those its own headers include.
_KCONFIG = """\
#pragma once
#define CONFIG_BPF_SYSCALL 1
#define PAGE_SIZE 4096
#define __bitwise
typedef signed char __s8, s8;
typedef unsigned char __u8, u8;
typedef short __s16, s16;
typedef unsigned short __u16, u16, __be16, __sum16;
typedef int __s32, s32, pid_t;
typedef unsigned int __u32, u32, __be32, __wsum;
typedef long long __s64, s64;
typedef unsigned long long __u64, u64, __be64;
typedef __u64 __aligned_u64 __attribute__((aligned(8)));
typedef unsigned long size_t, uintptr_t;
typedef _Bool bool;
"""
_VERSION = "#define LINUX_VERSION_CODE 0\n#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))\n"
_EMPTY = (
    *("linux/types.h", "linux/log2.h", "linux/bpf.h", "linux/bpf_common.h", "asm/page.h"),
    *("uapi/linux/bpf.h", "uapi/linux/bpf_common.h", "uapi/linux/if_ether.h", "uapi/linux/if_packet.h"),
    *("uapi/linux/in.h", "uapi/linux/types.h"),
)
_OLDEST = "the probes need Linux 6.1 or newer with its usual configuration"


@dataclass(frozen=True)
class Wanted:
    """probes/kernel.def: members by structure, and raw tracepoints. `a|b`: the first that the kernel has."""

    structs: dict[str, tuple[str, ...]]
    tracepoints: tuple[str, ...]


def parse_wanted(text: str) -> Wanted:
    """The content of kernel.def."""
    structs = {
        name: tuple(re.split(r",\s*", members))
        for name, members in re.findall(r"^SN_STRUCT\((\w+), (.+)\)$", text, re.M)
    }
    return Wanted(structs, tuple(re.findall(r"^SN_TRACEPOINT\((\w+)\)$", text, re.M)))


class _Writer:
    def __init__(self, types: btf.Btf, structs: dict[str, tuple[str, ...]]) -> None:
        self.types = types
        self.wanted = structs
        self.done: dict[str, str] = {}
        self.chosen: list[str] = []

    def declaration(self, owner: str, name: str, ident: int) -> str:
        """One member as C, without the semicolon."""
        ident, found = self.types.bare(ident)
        if found.kind == btf.INT:
            return f"{'s' if self.types.is_signed(found) else 'u'}{found.size * 8} {name}"
        if found.kind in {btf.ENUM, btf.ENUM64}:
            return f"u{found.size * 8} {name}"
        if found.kind == btf.PTR:
            target = self.types.bare(found.size)[1] if found.size else None
            return f"struct {target.name} *{name}" if target and target.name in self.wanted else f"void *{name}"
        if found.kind == btf.ARRAY:
            element, count = self.types.array(found)
            return self.declaration(owner, f"{name}[{count}]", element)
        if found.kind in {btf.STRUCT, btf.UNION}:
            return self.embedded(name, ident, found)
        raise Unsupported(f"{owner}.{name} of this kernel (type kind {found.kind})", _OLDEST)

    def embedded(self, name: str, ident: int, found: btf.Type) -> str:
        """A structure within one: whole if it is listed, as a number if it only wraps one (kuid_t), else bytes."""
        if found.name in self.wanted:
            self.struct(found.name)
            return f"struct {found.name} {name}"
        inner = list(self.types.members(found))
        if len(inner) == 1 and self.types.bare(inner[0].type)[1].kind == btf.INT and not inner[0].bits:
            return self.declaration(found.name, name, inner[0].type)
        return f"u8 {name}[{self.types.size(ident)}]"

    def members(self, name: str, found: btf.Type) -> list[btf.Member]:
        """Those that are wanted of it, each once."""
        has = {m.name: m for m in self.types.members(found)}
        members: dict[str, btf.Member] = {}
        for wanted in self.wanted[name]:
            alternatives = wanted.split("|")
            member = next((a for a in alternatives if a in has), None)
            if member is None:
                raise Unsupported(f"{name}.{' or '.join(alternatives)}, which this kernel lacks,", _OLDEST)
            if has[member].bits:
                raise Unsupported(f"{name}.{member} of this kernel (a bitfield)", _OLDEST)
            if len(alternatives) > 1 and member not in members:
                self.chosen.append(f"#define SN_HAS_{name}_{member} 1\n")
            members[member] = has[member]
        return list(members.values())

    def struct(self, name: str) -> None:
        """Writes the structure, those it contains before it."""
        if name in self.done:
            return
        try:
            found = self.types.type(self.types.find(name, btf.STRUCT))
        except KeyError:
            raise Unsupported(f"struct {name}, which this kernel lacks,", _OLDEST) from None
        members = self.members(name, found)
        lines, at = [], 0
        for member in sorted(members, key=lambda m: m.offset):
            if member.offset < at:
                raise Unsupported(f"{name}.{member.name} of this kernel (it overlaps another)", _OLDEST)
            if member.offset > at:
                lines.append(f"\tu8 pad_{at}[{member.offset - at}];")
            lines.append(f"\t{self.declaration(name, member.name, member.type)};")
            at = member.offset + self.types.size(member.type)
        if found.size > at:
            lines.append(f"\tu8 pad_{at}[{found.size - at}];")
        body = "\n".join(lines)
        checks = "".join(
            f'_Static_assert(__builtin_offsetof(struct {name}, {m.name}) == {m.offset}, "{name}.{m.name}");\n'
            for m in members
        )
        self.done[name] = (
            f'struct {name} {{\n{body}\n}};\n_Static_assert(sizeof(struct {name}) == {found.size}, "{name}");\n{checks}'
        )


def kernel_h(types: btf.Btf, wanted: Wanted) -> str:
    """The header's text. Unsupported names the first structure, member or tracepoint that the kernel lacks."""
    writer = _Writer(types, wanted.structs)
    for name in wanted.structs:
        writer.struct(name)
    arguments = []
    for name in wanted.tracepoints:
        try:
            arguments.append(f"#define SN_ARGS_{name} {types.arguments(name)}\n")
        except KeyError:
            raise Unsupported(f"the tracepoint {name}, which this kernel lacks,", _OLDEST) from None
    return "#pragma once\n" + "".join(arguments) + "".join(writer.chosen) + "".join(writer.done.values())


def write_headers(folder: Path, kernel: str) -> None:
    """All that bcc needs in place of a kernel source tree, below `folder`; set BCC_KERNEL_SOURCE to it."""
    files = {"linux/kconfig.h": _KCONFIG, "linux/version.h": _VERSION, "kernel.h": kernel, **dict.fromkeys(_EMPTY, "")}
    for name, text in files.items():
        path = folder / "include" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

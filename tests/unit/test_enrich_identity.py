"""Which program a file is, by inode, build id and digest; and the reader of ELF notes."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.compiler import grammar, table
from sensor.enrich.digests import Digests
from sensor.enrich.elf import build_id
from sensor.enrich.identity import Identities
from sensor.enrich.mounts import Mounts
from sensor.enrich.opening import open_path
from sensor.enrich.programs import Programs, grammar_names

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Linux"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root's programs are originals"),
]
# number: names of one program
PROGRAMS = Programs(
    {"env": 0, "sh": 1, "bash": 1, "awk": 2, "mawk": 2, "busybox": 3, "toybox": 3, "vim": 4, "python": 5, "less": 6},
    frozenset({3}),
)


class World:
    """A folder of programs, and files elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.other = folder / "bin", folder / "other"
        self.bin.mkdir(mode=0o755)
        self.other.mkdir()
        self.mounts, self.digests = Mounts(), Digests()

    def program(self, name: str, content: bytes, mode: int = 0o755) -> Path:
        path = self.bin / name
        path.write_bytes(content)
        path.chmod(mode)
        return path

    def identities(self) -> Identities:
        return Identities(PROGRAMS, self.mounts, self.digests, (str(self.bin),))

    def of(self, identities: Identities, path: Path) -> str | None:
        file = open_path(self.mounts, str(path), 0)
        assert file is not None
        try:
            name, known = identities.of(file)
        finally:
            file.close()
        assert known
        return name

    def copy(self, path: Path, name: str) -> Path:
        return Path(shutil.copyfile(path, self.other / name))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.digests.close()
    made.mounts.close()


def elf(own_id: bytes, rest: bytes = b"", *, wide: bool = True, order: str = "<") -> bytes:
    """A file with one note."""
    note = struct.pack(order + "III", 4, len(own_id), 3) + b"GNU\0" + own_id.ljust(-(-len(own_id) // 4) * 4, b"\0")
    note = struct.pack(order + "III", 6, 3, 1) + b"other\0\0\0" + b"abc\0" + note
    ident = b"\x7fELF" + bytes([1 + wide, 1 + "<>".index(order), 1]) + bytes(9)
    if wide:
        head = ident + struct.pack(order + "HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        segment = struct.pack(order + "IIQQQQQQ", 4, 4, 120, 0, 0, len(note), len(note), 4)
    else:
        head = ident + struct.pack(order + "HHIIIIIHHHHHH", 3, 3, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        segment = struct.pack(order + "IIIIIIII", 4, 84, 0, 0, len(note), len(note), 4, 4)
    return head + segment + note + rest


# ---- names ----


def test_names(world: World) -> None:
    """Each row: a file, the names that lead to it, and what it is."""
    env = world.program("env", elf(b"env" * 5))
    mawk = world.program("mawk", elf(b"mawk" * 5))
    (world.bin / "awk").symlink_to(mawk)
    editor = world.program("vim.basic", elf(b"vim " * 5))
    (world.bin / "vim").symlink_to(editor)
    python = world.program("python3.11", elf(b"py" * 5))
    (world.bin / "python3").symlink_to(python)
    busybox = world.program("busybox", elf(b"box" * 5))
    for name in ("sh", "env2", "awk2"):
        os.link(busybox, world.bin / name)
    several = world.program("several", elf(b"many" * 5))
    os.link(several, world.bin / "bash")
    os.link(several, world.bin / "less")
    found = {original.path: original.name for original in world.identities()}
    expected = {
        env: "env",
        mawk: "mawk",
        editor: "vim",
        python: "python3.11",
    }
    assert {path: name for path, name in found.items() if "busybox" not in name} == {
        str(path): name for path, name in expected.items()
    }
    assert "busybox" in found.values()  # and `several` is none: only its name says what it does


def test_only_what_root_alone_may_have_put_there_is_an_original(world: World) -> None:
    world.program("env", elf(b"1" * 8), mode=0o775)
    os.chown(world.program("less", elf(b"2" * 8)), 12345, 0)
    (world.bin / "bash").mkdir()
    (world.bin / "awk").symlink_to("nowhere")
    assert list(world.identities()) == []


# ---- files by other names ----


def test_identity(world: World) -> None:
    env = world.program("env", elf(b"env" * 5, b"code"))
    script = world.program("less", b"#!/bin/sh\nmore")
    identities = world.identities()
    link = world.other / "listen"
    os.link(env, link)
    patched = world.other / "patched"
    patched.write_bytes(elf(b"env" * 5, b"changed"))
    stranger = world.other / "env"
    stranger.write_bytes(elf(b"strange"))
    same_size = world.other / "less"
    same_size.write_bytes(b"#!/bin/sh\nevil")
    assert [world.of(identities, path) for path in (env, link, script)] == ["env", "env", "less"]
    assert world.digests.bytes == 0  # their inodes say it
    rows = {
        env: "env",
        link: "env",
        world.copy(env, "copy"): "env",
        patched: "env",
        stranger: None,
        script: "less",
        world.copy(script, "script"): "less",
        same_size: None,
    }
    assert {path: world.of(identities, path) for path in rows} == rows


def test_programs_that_come_and_go(world: World) -> None:
    env = world.program("env", elf(b"old"))
    identities = world.identities()
    old = world.copy(env, "old")
    env.write_bytes(b"an inode that is used again")
    assert world.of(identities, env) is None
    new = world.copy(world.program("env", elf(b"new", b"longer")), "new")
    assert [world.of(identities, path) for path in (old, new)] == ["env", None]
    identities.refresh()
    assert [world.of(identities, path) for path in (old, new)] == [None, "env"]


def test_installed_programs() -> None:
    programs = grammar_names(table.build([], grammar.shipped_grammars()).bytes)
    assert programs.number("python3.11") == programs.number("python") is not None
    assert programs.number("env") != programs.number("nice")
    assert programs.number("busybox") in programs.applets
    assert programs.number("env") not in programs.applets
    assert [programs.number(name) for name in ("linsang", "", "3", "x" * 65)] == [None] * 4
    mounts, digests = Mounts(), Digests()
    identities = Identities(programs, mounts, digests)
    names = {original.path: original.name for original in identities}
    assert names[os.path.realpath("/usr/bin/env")] == "env"
    assert programs.number(names[os.path.realpath("/bin/sh")]) == programs.number("sh")
    assert all(programs.number(name) is not None for name in names.values())
    assert any("ld-" in path for path in names)
    mounts.close()


def test_a_table_without_grammars() -> None:
    assert grammar_names(table.build([]).bytes) == Programs({}, frozenset())


# ---- the reader ----


def read(content: bytes) -> bytes | None:
    descriptor = os.memfd_create("elf")
    try:
        os.write(descriptor, content)
        return build_id(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("wide", [True, False])
def test_build_ids(wide: bool, order: str) -> None:
    assert read(elf(b"\x01\x02\x03", b"x" * 64, wide=wide, order=order)) == b"\x01\x02\x03"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#!/bin/sh\n" + b"x" * 100,
        b"\x7fELF",
        elf(b""),
        elf(b"id")[:-4],
        elf(b"id")[:140],
        elf(b"0123456789ab")[:-4],
        b"\x7fELF\x03\x01" + bytes(80),
    ],
)
def test_files_without_one(content: bytes) -> None:
    assert read(content) is None


def test_a_note_far_from_the_start(tmp_path: Path) -> None:
    content = bytearray(elf(b"far away"))
    note = content[120:]
    struct.pack_into("<Q", content, 64 + 8, 1 << 20)
    path = tmp_path / "far"
    path.write_bytes(bytes(content).ljust(1 << 20, b"\0") + note)
    with path.open("rb") as file:
        assert build_id(file.fileno()) == b"far away"


def test_as_another_reader() -> None:
    readelf = shutil.which("readelf")
    if readelf is None:
        pytest.skip("readelf of binutils")
    for path in ("/usr/bin/env", sys.executable, "/bin/sh"):
        said = subprocess.run([readelf, "-n", path], capture_output=True, text=True, check=True).stdout
        with open(path, "rb") as file:
            own = build_id(file.fileno())
        assert own is not None
        assert f"Build ID: {own.hex()}" in said


@given(st.binary(max_size=300), st.lists(st.tuples(st.integers(0, 160), st.binary(min_size=1, max_size=9)), max_size=4))
def test_nothing_in_a_file_is_believed(tail: bytes, changes: list[tuple[int, bytes]]) -> None:
    content = bytearray(elf(b"0123456789", tail))
    for at, new in changes:
        content[at : at + len(new)] = new
    found = read(bytes(content))
    assert found is None or found in bytes(content)

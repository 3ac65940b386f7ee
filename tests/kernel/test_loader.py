"""Loading: what is kept from one start to the next, what is refused and how, what is left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ring_reader import LIMITS, ROOT, Watch, decode, ffi

from sensor.errors import LinsangError, Unsupported
from sensor.sources import btf, kernel
from sensor.sources.bpf_object import PROGRAMS, BpfObject, Cache, Program, ProgramSpec, cache_key, from_json, to_json
from sensor.sources.kernel import open_kernel_source
from sensor.sources.kernel_headers import Wanted, kernel_h
from sensor.sources.snapshot import processes

LAYOUT = f"""
import sys
sys.path.append({str(ROOT)!r})
import ctypes, tempfile
from pathlib import Path
from sensor.sources import bpf_syscall, btf
from sensor.sources.bpf_compile import compile_text
from sensor.sources.kernel_headers import Wanted, kernel_h, write_headers

with tempfile.TemporaryDirectory() as folder:
    write_headers(Path(folder), "")
    lib, module = compile_text(sys.argv[1], Path(folder))
name = b"layout"
log = ctypes.create_string_buffer(1 << 16)
start, size = lib.bpf_function_start(module, name), lib.bpf_function_size(module, name)
fd = lib.bcc_func_load(module, 17, name, start, size, b"GPL", 0, 0, log, len(log), None, 0)
assert fd >= 0, log.value
sys.stdout.buffer.write(bpf_syscall.btf_of(fd))
"""


@pytest.fixture
def warm(watch: Watch, cache_dir: Path) -> Path:
    """A cache folder that has the compiled probes."""
    assert list(cache_dir.iterdir())
    return cache_dir


@pytest.fixture
def own_cache(warm: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    folder = Path(shutil.copytree(warm, tmp_path / "cache"))
    folder.chmod(0o700)
    return folder


def start_again(folder: Path) -> bool:
    """Whether the start found the probes compiled."""
    with open_kernel_source(cache_dir=folder) as source:
        assert source.failed == {}
        return source.cached


def test_a_warm_start_needs_no_bcc(warm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "LOADER_PYTHON", sys.executable)  # the venv's: it has no bcc
    assert start_again(warm)


@pytest.mark.usefixtures("watch")  # where BPF works
def test_a_cold_start_without_bcc_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "LOADER_PYTHON", sys.executable)
    with pytest.raises(Unsupported, match="python3-bpfcc"):
        open_kernel_source(cache_dir=tmp_path)


def test_a_damaged_object_is_made_anew(own_cache: Path) -> None:
    (file,) = own_cache.glob("probes-*.json")
    file.write_bytes(file.read_bytes().replace(b"A", b"B", 1))
    assert not start_again(own_cache)
    assert start_again(own_cache)


def test_what_others_can_write_is_not_loaded(own_cache: Path) -> None:
    cache = Cache(own_cache, cache_key())
    assert cache.load() is not None
    own_cache.chmod(0o777)
    assert cache.load() is None


@pytest.mark.usefixtures("watch")  # where BPF works
def test_a_cache_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with open_kernel_source(cache_dir=file / "cache") as source:
        assert source.failed == {}
        assert "Not a directory" in source.cache_error


def test_one_refused_probe_is_named_and_the_rest_runs(own_cache: Path) -> None:
    cache = Cache(own_cache, cache_key())
    made = cache.load()
    assert made
    broken = [replace(p, instructions=b"\0" * 8) if p.spec.name == "connect6" else p for p in made.programs]
    cache.store(BpfObject(made.maps, tuple(broken)))
    with open_kernel_source(cache_dir=own_cache) as source:
        assert list(source.failed) == ["connect6"]
        assert source.failed["connect6"].startswith("not loaded: ")
        assert set(source.links) == {p.name for p in PROGRAMS} - {"connect6"}


def test_object_survives_the_file() -> None:
    spec = ProgramSpec("exec", "tp_btf", "sched_process_exec")
    made = BpfObject((), (Program(spec, bytes(range(256)), 0),))
    assert from_json(to_json(made)) == made
    damaged = json.loads(to_json(made))
    damaged["object"] += " "
    with pytest.raises(ValueError, match="checksum"):
        from_json(json.dumps(damaged))


@pytest.mark.usefixtures("watch")  # where BPF works
def test_a_compiler_error_is_kept(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for folder in ("sensor", "probes"):
        shutil.copytree(ROOT / folder, tree / folder)
    shutil.copytree(ROOT / "native", tree / "native", ignore=shutil.ignore_patterns("*.c"))
    (tree / "probes" / "process.bpf.c").write_text("int on_fork(void *ctx) { return unknown_thing; }\n")
    script = (
        f"import sys; sys.path.insert(0, {str(tree)!r})\n"
        "from pathlib import Path\nfrom sensor.sources.kernel import open_kernel_source\n"
        f"open_kernel_source(cache_dir=Path({str(tmp_path / 'cache')!r}))\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    last = said.stderr.splitlines()[-1]
    assert "process.bpf.c:1:" in last
    assert "unknown_thing" in last
    assert "unknown_thing" in (tmp_path / "cache" / "loader.log").read_text()


def test_without_privileges(warm: Path, tmp_path: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nfrom sensor.sources.kernel import open_kernel_source\n"
        "open_kernel_source(cache_dir=Path('/nonexistent'))\n"
    )
    # another user could not even read a tree below /root
    powerless = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
    command = [*powerless, "/usr/bin/python3", "-I", "-c", script]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Unsupported: BPF (the kernel refuses it to this process: " in said.stderr.splitlines()[-1]


def test_without_the_right_to_mount(warm: Path) -> None:
    """CAP_SYS_ADMIN is not needed where the unified hierarchy is mounted."""
    if " - cgroup2 " not in Path("/proc/self/mountinfo").read_text():
        pytest.skip("no cgroup2 is mounted")
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nfrom sensor.sources.kernel import open_kernel_source\n"
        f"print(open_kernel_source(cache_dir=Path({str(warm)!r})).failed)\n"
    )
    command = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", sys.executable, "-c", script]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "{}\n"


@pytest.mark.parametrize(
    ("wanted", "named"),
    [
        (Wanted({"no_such_struct": ("a",)}, ()), "struct no_such_struct"),
        (Wanted({"task_struct": ("pid", "no_such_member")}, ()), "task_struct.no_such_member"),
        (Wanted({"sock_common": ("skc_reuse",)}, ()), "sock_common.skc_reuse"),
        (Wanted({}, ("no_such_tracepoint",)), "no_such_tracepoint"),
    ],
    ids=["structure", "member", "bitfield", "tracepoint"],
)
def test_what_the_kernel_lacks_is_named(wanted: Wanted, named: str) -> None:
    with pytest.raises(Unsupported, match=named):
        kernel_h(btf.Btf(), wanted)


def test_members_that_were_renamed() -> None:
    """The first that the kernel has, once, and named for the probes."""
    wanted = Wanted({"task_struct": ("no_such_member|pid|tgid", "pid|tgid")}, ())
    text = kernel_h(btf.Btf(), wanted)
    assert [line for line in text.splitlines() if "HAS" in line] == ["#define SN_HAS_task_struct_pid 1"]
    assert "tgid" not in text
    with pytest.raises(Unsupported, match="neither or nor"):
        kernel_h(btf.Btf(), Wanted({"task_struct": ("neither|nor",)}, ()))


@pytest.mark.usefixtures("watch")  # where BPF works
def test_records_have_one_layout() -> None:
    """native/event.h as gcc's rules have it (cffi), and as bcc compiled it into a program that the kernel loaded."""
    names = [f"sn_{n}" for n in ("header", "exec", "fork", "exit", "connect", "loss", "counters", "control", "span")]
    members = "".join(f"struct {name} m_{name}; " for name in names)
    text = f'#define SN_BPF\n#include "bcc.h"\n#include "event.h"\nstruct all {{ {members} }};\n'
    text += "int layout(struct all *all) { return 0; }\n"
    raw = subprocess.run(["/usr/bin/python3", "-I", "-c", LAYOUT, text], capture_output=True, check=True).stdout
    types = btf.Btf(raw)
    for name in names:
        ident = types.find(name, btf.STRUCT)
        loaded = [(m.name, m.offset, types.size(m.type)) for m in types.members(types.type(ident))]
        here = ffi.typeof(f"struct {name}")
        assert loaded == [(member, info.offset, ffi.sizeof(info.type)) for member, info in here.fields]
        assert types.size(ident) == ffi.sizeof(here)


def held_by(pid: int) -> dict[str, set[int]]:
    """Ids of the BPF programs, maps and links that a process holds."""
    found: dict[str, set[int]] = {"prog": set(), "map": set(), "link": set()}
    for file in Path(f"/proc/{pid}/fdinfo").iterdir():
        for kind, ident in re.findall(r"^(prog|map|link)_id:\s+(\d+)$", file.read_text(), re.M):
            found[kind].add(int(ident))
    return found


def alive(kind: str) -> set[int]:
    """Ids of every one in the kernel."""
    listing = subprocess.run(["bpftool", "-j", kind, "list"], capture_output=True, check=True).stdout
    return {each["id"] for each in json.loads(listing or "[]")}


def test_nothing_is_left_after_a_kill(warm: Path) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nfrom sensor.sources.kernel import open_kernel_source\n"
        f"source = open_kernel_source(cache_dir=Path({str(warm)!r}))\n"
        "print('ready', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sensor:
        assert sensor.stdout
        assert sensor.stdout.readline() == b"ready\n"
        held = held_by(sensor.pid)
        assert len(held["prog"]) == len(held["link"]) == len(PROGRAMS)
        assert all(ids <= alive(kind) for kind, ids in held.items())
        sensor.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 60  # the kernel frees them after a grace period
    while any(ids & alive(kind) for kind, ids in held.items()) and time.monotonic() < deadline:
        pass
    assert {kind: ids & alive(kind) for kind, ids in held.items()} == {"prog": set(), "map": set(), "link": set()}
    assert start_again(warm)


def test_a_ring_that_is_no_power_of_two_is_refused(warm: Path) -> None:
    with pytest.raises(LinsangError, match="BPF map ring of 12345 entries"):
        open_kernel_source(12345, warm)


def test_snapshot_has_every_process(watch: Watch) -> None:
    def listed() -> set[int]:
        return {int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()}

    size = ffi.sizeof("struct sn_exec")
    before = listed()
    raw = watch.source.iterate()
    after = listed()
    found = {r.pid: r for r in (decode(raw[i : i + size]) for i in range(0, len(raw), size))}
    me = found[os.getpid()]
    assert me.type == "SN_PROCESS"
    assert (me.ppid, me.uid, me.session) == (os.getppid(), os.getuid(), os.getsid(0))
    assert me.inode == os.stat("/proc/self/exe").st_ino
    assert me.start // 10_000_000 == int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    assert (me.cpu, me.seq) == (LIMITS["SN_CPU_NONE"], 0)
    assert "kernel_thread" in found[2].flags  # kthreadd
    # sandboxes' kernels are known to keep their first process out of iterators; /proc has it
    assert (before & after) - set(found) <= {1}
    assert before & listed() <= {decode(record).pid for record in processes(watch.source)}

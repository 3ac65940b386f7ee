"""The compiled probes as plain data: which maps, which programs, their instructions. Nothing here opens a descriptor of
the kernel or needs bcc; bpf_compile.py makes an object, bpf_loader.py loads one, this keeps it from one start to the
next.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import platform
import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROBES = ROOT / "probes"
NATIVE = ROOT / "native"
KERNEL_BTF = Path("/sys/kernel/btf/vmlinux")
LICENCE = "Dual MIT/GPL"


@dataclass(frozen=True)
class MapSpec:
    """A line of probes/maps.def. `entries` 0: set when it is made."""

    name: str
    kind: str
    key: int
    value: int
    entries: int
    flags: str


@dataclass(frozen=True)
class ProgramSpec:
    """A probe: `on_NAME` in probes/*.bpf.c. kind tp_btf (raw tracepoint, arguments typed by BTF), cgroup or
    iter; hook is the tracepoint, the cgroup's attach type or what is iterated."""

    name: str
    kind: str
    hook: str


@dataclass(frozen=True)
class Program:
    """A probe compiled. A map is a 64-bit load whose source register is 1 and whose value is its number among the
    object's maps; the loader puts the descriptor there. `btf_id` names the target in the kernel's BTF."""

    spec: ProgramSpec
    instructions: bytes
    btf_id: int


@dataclass(frozen=True)
class BpfObject:
    """All that is loaded."""

    maps: tuple[MapSpec, ...]
    programs: tuple[Program, ...]


PROGRAMS = (
    ProgramSpec("exec", "tp_btf", "sched_process_exec"),
    ProgramSpec("fork", "tp_btf", "sched_process_fork"),
    ProgramSpec("exit", "tp_btf", "sched_process_exit"),
    ProgramSpec("connect4", "cgroup", "inet4_connect"),
    ProgramSpec("connect6", "cgroup", "inet6_connect"),
    ProgramSpec("tcp_state", "tp_btf", "inet_sock_set_state"),
    ProgramSpec("task", "iter", "task"),
)


def parse_maps(text: str) -> tuple[MapSpec, ...]:
    """The content of probes/maps.def."""
    lines = re.findall(r"^SN_MAP\((\w+), (\w+), (\d+), (\d+), (\d+), (\w+)\)$", text, re.M)
    return tuple(MapSpec(name, kind, int(k), int(v), int(n), "" if f == "0" else f) for name, kind, k, v, n, f in lines)


def source_files() -> list[Path]:
    """Everything that the compiled probes depend on, the kernel aside."""
    here = Path(__file__).parent
    made_by = [here / name for name in ("bpf_object.py", "bpf_compile.py", "kernel_headers.py", "btf.py")]
    return [*sorted(PROBES.glob("*.[ch]")), *sorted(PROBES.glob("*.def")), NATIVE / "event.h", *made_by]


def cache_key() -> str:
    """Hash of kernel release, kernel types and sources. OSError when the kernel has no BTF."""
    digest = hashlib.blake2b(platform.release().encode(), digest_size=16)
    for path in [KERNEL_BTF, *source_files()]:
        digest.update(b"\0" + path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def to_json(made: BpfObject) -> str:
    """The object as text, with its checksum."""
    programs = [
        {**asdict(p.spec), "instructions": base64.b64encode(p.instructions).decode(), "btf_id": p.btf_id}
        for p in made.programs
    ]
    content = json.dumps({"maps": [asdict(m) for m in made.maps], "programs": programs})
    return json.dumps({"sha256": _digest(content), "object": content})


def from_json(text: str) -> BpfObject:
    """Reverses to_json. ValueError when the text is damaged."""
    outer = json.loads(text)
    if not isinstance(outer, dict) or outer.get("sha256") != _digest(str(outer.get("object"))):
        raise ValueError("checksum")
    inner = json.loads(outer["object"])
    programs = tuple(
        Program(
            ProgramSpec(p["name"], p["kind"], p["hook"]),
            base64.b64decode(p["instructions"]),
            p["btf_id"],
        )
        for p in inner["programs"]
    )
    return BpfObject(tuple(MapSpec(**m) for m in inner["maps"]), programs)


class Cache:
    """Compiled objects in a folder, the newest few. What others than the user may write is not trusted: it would be
    loaded into the kernel."""

    KEPT = 4

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._path = folder / f"probes-{key}.json"

    def load(self) -> BpfObject | None:
        """The object, or None when it is not there, damaged, or not ours alone."""
        try:
            with self._path.open() as file:
                for status in (os.fstat(file.fileno()), self._folder.stat()):
                    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                        return None
                return from_json(file.read())
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def store(self, made: BpfObject) -> None:
        """Whole or not at all. OSError when the folder cannot be written."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._folder, prefix=".probes-", delete=False) as file:
            file.write(to_json(made))
        Path(file.name).rename(self._path)
        for old in sorted(self._folder.glob("probes-*.json"), key=lambda p: p.stat().st_mtime)[: -self.KEPT]:
            with contextlib.suppress(FileNotFoundError):
                old.unlink()

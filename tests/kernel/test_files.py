"""Who wrote a file, on the running kernel: each way to write one, on each kind of file system, and what is lost."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from file_table import ROWS, Row

from sensor.config import Config, Paths
from sensor.errors import Unsupported
from sensor.live import Live
from sensor.native import ffi, lib, record_json
from sensor.recording import RecordingReader, RecordingWriter
from sensor.sources.files import mounts

PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with (tmp_path_factory.mktemp("recording") / "file").open("w+b") as file:
        yield file


@pytest.fixture(scope="module")
def live(cache_dir: Path, tmp_path_factory: pytest.TempPathFactory, recording: Any) -> Iterator[Live]:
    config = Config(paths=Paths(str(tmp_path_factory.mktemp("runtime")), str(cache_dir)))
    try:
        with RecordingWriter(recording.fileno(), {}) as writer, Live(config, recording=writer) as live:
            if live.source.files is None:
                pytest.skip(f"fanotify: {live.source.files_refused}")
            yield live
    except Unsupported as error:
        pytest.skip(str(error))


def find(live: Live, path: Path, *, before: int = 0) -> Any:
    """struct sn_file_writer of the file as it is now; the result's number when it is not 1."""
    status = path.stat()
    query = ffi.new("struct sn_writer_query *")
    query.dev = os.major(status.st_dev) << 20 | os.minor(status.st_dev)
    query.inode, query.changed = status.st_ino, status.st_ctime_ns
    query.time = before or time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    out = ffi.new("struct sn_file_writer *")
    rc = lib.sn_writers__find(lib.sn_engine__writers(live.engine.pointer), query, PATIENCE_MS, out)
    return out if rc == 1 else rc


def text(writer: Any, name: str) -> str:
    return bytes(ffi.buffer(getattr(writer, name), getattr(writer, f"{name}_len"))).decode()


@pytest.mark.parametrize("row", ROWS, ids=[row.how for row in ROWS])
@pytest.mark.parametrize("folder", ["/dev/shm", ""], ids=["tmpfs", "disk"])
def test_the_writer_is_named(live: Live, tmp_path: Path, folder: str, row: Row) -> None:
    place = Path(folder) / f"linsang-{os.getpid()}" if folder else tmp_path
    place.mkdir(exist_ok=True)
    try:
        subprocess.run(["bash", "-ec", f"{row.script}\ntrue"], cwd=place, capture_output=True, check=True)
        writer = find(live, place / row.file)
        assert not isinstance(writer, int), f"answer {writer}"
        told = os.path.basename(text(writer, "image")), text(writer, "command_line")[: len(row.line)]
        assert told == (row.image, row.line) or (row.becomes and told == ("", ""))
        assert writer.uid == os.getuid()
    finally:
        subprocess.run(["rm", "-rf", str(place)], check=True)


def test_nobody_wrote_what_was_there_before(live: Live) -> None:
    assert find(live, Path("/bin/true").resolve()) == 0


@pytest.mark.usefixtures("names_are_ours")
def test_what_is_neither_executable_nor_in_a_place_is_filtered(live: Live) -> None:
    folder = Path(f"/var/lib/linsang-test-{os.getpid()}")
    folder.mkdir()
    try:
        (folder / "plain").write_text("x")
        subprocess.run(["cp", "/bin/true", str(folder / "program")], check=True)
        subprocess.run(["cp", str(folder / "plain"), str(folder / "copy")], check=True)
        assert find(live, folder / "copy") == 0
        assert text(find(live, folder / "program"), "command_line").startswith("cp /bin/true")
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_a_change_that_was_not_seen_leaves_it_unknown(live: Live, tmp_path: Path) -> None:
    """As of a write that is still under way: the descriptor is open."""
    subprocess.run(["cp", "/bin/true", "x"], cwd=tmp_path, check=True)
    assert text(find(live, tmp_path / "x"), "command_line") == "cp /bin/true x"
    with subprocess.Popen(
        ["bash", "-c", "exec 3>>x; echo >&3; echo; read"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        assert child.stdout.readline()
        assert find(live, tmp_path / "x") == -61  # ENODATA
        child.communicate(b"\n")
    assert text(find(live, tmp_path / "x"), "image").endswith("/bash")


def test_what_was_written_after_the_exec_does_not_count(live: Live, tmp_path: Path) -> None:
    then = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    subprocess.run(["cp", "/bin/true", "x"], cwd=tmp_path, check=True)
    assert text(find(live, tmp_path / "x"), "image").endswith("/cp")  # by then it is known that there was a write
    assert find(live, tmp_path / "x", before=then) == -61


def _unshared(script: str, folder: Path) -> None:
    subprocess.run(["unshare", "--mount", "bash", "-ec", script], cwd=folder, check=True, capture_output=True)


@pytest.mark.usefixtures("names_are_ours")
def test_another_mount_of_a_watched_file_system(live: Live, tmp_path: Path) -> None:
    """Bind mounts, also of another mount namespace: marks are of file systems."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _unshared("mount --bind a b; cp /bin/true b/x", tmp_path)
    assert text(find(live, tmp_path / "a" / "x"), "command_line") == "cp /bin/true b/x"


def mounted(place: Path) -> bool:
    return any(m.place == str(place) for m in mounts(Path("/proc/self/mountinfo").read_bytes()))


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_MS / 1000
    while not what():
        assert time.monotonic() < end
        os.sched_yield()


def test_a_file_system_that_is_mounted_later(live: Live, tmp_path: Path) -> None:
    place = tmp_path / "later"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "linsang-test", str(place)], check=True)
    try:
        assert live.source.files
        until(lambda: str(place) in live.source.files.watched)  # type: ignore[union-attr]
        subprocess.run(["cp", "/bin/true", "x"], cwd=place, check=True)
        assert text(find(live, place / "x"), "command_line") == "cp /bin/true x"
    finally:
        subprocess.run(["umount", str(place)], check=True)  # not busy: nothing of it is held open
    assert not mounted(place)


def test_an_overlay_shows_what_its_upper_layer_was_given(live: Live, tmp_path: Path) -> None:
    for name in ("lower", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    options = f"lowerdir={tmp_path}/lower,upperdir={tmp_path}/upper,workdir={tmp_path}/work"
    merged = tmp_path / "merged"
    if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(merged)], check=False).returncode:
        pytest.skip("this kernel has no overlay file systems")
    try:
        subprocess.run(["cp", "/bin/true", "x"], cwd=merged, check=True)
        until(lambda: not isinstance(find(live, merged / "x"), int))
        assert text(find(live, merged / "x"), "command_line") == "cp /bin/true x"
    finally:
        subprocess.run(["umount", str(merged)], check=True)


def test_a_memory_file_has_no_writer(live: Live) -> None:
    """Anonymous memory lies on no file system that can be marked: nobody, not somebody else."""
    fd = os.memfd_create("x")
    try:
        os.write(fd, b"#!/bin/true\n")
        assert find(live, Path(f"/proc/self/fd/{fd}")) == 0
    finally:
        os.close(fd)


SERVE = """set -e
ip link set lo up && ip address add 192.0.2.1/32 dev lo && echo 'exit 0' > served
exec 3< <(exec /usr/bin/python3 -u -m http.server 8000 2>&1); server=$!; read -ru 3  # that it serves
curl -s -o direct http://192.0.2.1:8000/served && curl -s http://192.0.2.1:8000/served | tee piped
curl -s http://192.0.2.1:8000/served | (sleep 1.1; tee late; true)
curl -s -o inside http://127.0.0.1:8000/served; echo here > local
kill $server"""


@pytest.mark.parametrize(
    ("file", "url", "address"),
    [
        ("direct", "http://192.0.2.1:8000/served", "192.0.2.1"),  # its own connection
        ("piped", "http://192.0.2.1:8000/served", "192.0.2.1"),  # that of the other end of the pipe
        ("late", None, "192.0.2.1"),  # by a subshell, long after: what the other end was told may be forgotten
        ("inside", "http://127.0.0.1:8000/served", ""),  # to this host itself: not outside
        ("local", "", ""),  # the shell's text names an address, which does not make it fetch
    ],
)
def test_over_which_connection(live: Live, served: Path, file: str, url: str | None, address: str) -> None:
    writer = find(live, served / file)
    assert url is None or text(writer, "url") == url
    assert (".".join(map(str, writer.daddr[0:4])) if writer.family else "") == address


def test_recent_connections_of_a_process_and_its_descendants(live: Live, served: Path) -> None:
    writer = find(live, served / "local")  # the shell that started them all
    out = ffi.new("struct sn_connection[64]")
    connections = lib.sn_engine__connections(live.engine.pointer)
    found = lib.sn_connections__of(connections, writer.pid, writer.start, 0, (1 << 64) - 1, out, 64)
    names = [(ffi.string(c.name), bytes(c.daddr)[:4], c.dport) for c in out[0:found]]
    assert (b"curl", bytes((192, 0, 2, 1)), 8000) in names
    assert {name for name, _, _ in names} <= {b"curl", b"python3.11"}


@pytest.fixture(scope="module")
def served(live: Live, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to which curl has fetched files, in a network namespace that has an address of the documentation's."""
    folder = tmp_path_factory.mktemp("served")
    subprocess.run(["unshare", "--net", "bash", "-c", SERVE], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


def test_all_is_accounted_for(live: Live, recording: Any, tmp_path: Path) -> None:
    """After the rest: the equation, and file events as records, also of a file whose last name goes while it runs."""
    (tmp_path / "made").mkdir()
    subprocess.run(["cp", "/bin/true", "made/x"], cwd=tmp_path, check=True)
    script = "cp /bin/sleep made/gone; cp /bin/true 'made/kept (deleted)'; made/gone 0.1 & rm made/gone; wait"
    subprocess.run(["bash", "-ec", script], cwd=tmp_path, check=True)
    find(live, tmp_path / "made" / "x")
    live.stop()
    assert live.source.files
    told, holds = live.source.files.equation()
    assert holds, told
    assert all(holds for _, holds in live.account().equations())
    recording.seek(0)
    with RecordingReader(recording.fileno(), "recording") as reader:
        records = [e for e in map(record_json, reader) if str(e.get("path")).startswith(f"{tmp_path}/")]
    assert {Path(e["path"]).name for e in records} == {"x", "gone", "kept (deleted)"}
    seen = [e for e in records if e["path"] == str(tmp_path / "made" / "x")]
    assert {flag for e in seen for flag in ("created", "written") if e.get(flag)} == {"created", "written"}
    assert all(e["start"] and e["uid"] == os.getuid() and e["since"] < e["time"] for e in seen)

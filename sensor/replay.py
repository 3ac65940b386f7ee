"""`linsang replay`: recordings and JSON lines through the live data plane's engine, every alert out, and a summary.

The core decodes and judges whole blocks; Python sees alerts. Each file is a world of its own: processes and loss of one
are not those of the next.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from sensor.alert import AlertWriter, frame_bytes
from sensor.config import Config
from sensor.encode import json_page
from sensor.errors import InputError, LinsangError, Unsupported
from sensor.inputs import Block, Input, after_lines, no_events, open_input, what_is_wrong
from sensor.interruption import Interrupted, Interruption
from sensor.loaded_rules import LoadedRules, load
from sensor.native import Engine, Frame, Rules, check, ffi, lib
from sensor.pace import Pace
from sensor.paths import default_rules
from sensor.progress import Progress
from sensor.recording import Recorded
from sensor.sinks import open_sinks
from sensor.sinks.base import Sink
from sensor.taxonomy import product_of
from sensor.terminal import say

_ALERT_BYTES = 1 << 22  # half of it holds the alert of the longest line that can alert
_MALFORMED_SHOWN = 5
_CLOSE_S = 3600.0
_WRITABLE = "give --summary a file that can be written"


class Options(NamedTuple):
    """`logsource`: product, category, service of all lines, "" not given. `speed`: max, 1x or N/s."""

    logsource: tuple[str, str, str] = ("", "", "")
    speed: str = "max"
    loop: int = 1
    engine: str = "native"
    summary: str | None = None


class _Replay:
    """One run of the command."""

    def __init__(self, loaded: LoadedRules, config: Config, options: Options, files: Sequence[str]) -> None:
        self._loaded = loaded
        self._files = files
        self._pace = Pace(options.speed)
        self._late: set[Sink] = set()  # outputs that were waited for
        self._sinks = open_sinks([output.url for output in config.output])
        for sink in self._sinks:
            sink.hurried = partial(self._hurried, sink)
        self._users: dict[int, str] = {}
        self._judge: Any = None
        table = loaded.table
        if options.engine == "reference":
            from sensor.compiler import load_rules  # noqa: PLC0415 - loads pySigma
            from sensor.reference_events import ReferenceJudge  # noqa: PLC0415

            self._judge = ReferenceJudge(load_rules(_rule_paths(config), reading=config.rules.reading), self._users)
            table = self._judge.table
        settings = {"table_bytes": config.process_table.bytes, "table_entries": config.process_table.entries}
        settings |= {"exited_keep_ms": config.process_table.exited_keep_ms, "lineage_max": config.engine.lineage_max}
        self.engine = Engine(alert_bytes=_ALERT_BYTES, timing=options.summary is not None, **settings)
        rules = Rules(table)
        self._route = self._route_of(rules, options.logsource)
        self.engine.swap_rules(rules)
        self._table = table
        self._writer = AlertWriter(self.engine, loaded.lines, loaded.fields, files=files)
        self._pending: list[Frame] = []
        self._stats = ffi.new("struct sn_stats *")
        self.interruption = Interruption()
        self._malformed_shown = 0
        self._size = 0
        self._done = 0
        self.seq_lost = 0
        self.traces: Counter[str] = Counter()
        self.reference = {"alerts": 0, "undecidable": 0, "matched_events": 0}

    def _route_of(self, rules: Rules, logsource: tuple[str, str, str]) -> int | None:
        """Of all lines; a product alone is for those that do not say theirs."""
        product, category, service = logsource
        if not category and not service:
            route = rules.route(product) if product else None
            return None if route is None else route | lib.SN_ROUTE_OTHERWISE
        product = product or product_of(service)
        route = rules.route(product, category, service)
        if route is None:
            shown = "/".join(part or "*" for part in (product, category, service))
            raise LinsangError(f"no rule looks at events of {shown}", "see `linsang rules list` for what they look at")
        return route

    def _begin(self, header: Mapping[str, Any]) -> None:
        """A file: with the names that users have on its host, and its clock."""
        self._users.clear()
        self._users.update({int(uid): name for uid, name in header.get("users", {}).items()})
        for uid, name in self._users.items():
            self.engine.set_user(uid, name)
        self._writer.set_clock(int(header.get("boot_to_epoch_ns", 0)))

    # ---- files ----

    def run(self, loop: int) -> list[LinsangError]:
        """All files `loop` times. What is wrong with one keeps none of the others from being judged."""
        errors: list[LinsangError] = []
        self._size = loop * sum(Path(f).stat().st_size for f in self._files if f != "-" and Path(f).is_file())
        with Progress("replaying", self._size) as self._progress:
            for _, (number, path) in itertools.product(range(loop), enumerate(self._files)):
                begin = self._done
                try:
                    self._one(number, path)
                except (InputError, Unsupported) as error:
                    errors.append(error)
                    say(f"error: {error}")
                except Interrupted:
                    pass
                self._flush()
                self.seq_lost += self._count("seq_lost")
                if self.interruption.signal:
                    break
                self._done = begin + (Path(path).stat().st_size if Path(path).is_file() else 0)
        return errors

    def _one(self, number: int, path: str) -> None:
        check(lib.sn_engine__forget(self.engine.pointer), "begin a file")
        self._pace.next_file()
        try:
            with ExitStack() as opened:
                with self.interruption.waiting():
                    source = opened.enter_context(open_input(path))
                before = self.engine.stats()
                if source.recording is None:
                    self._lines(number, source)
                    self._check_any(path, before)
                else:
                    self._recording(number, source.recording)
                if self._count("received") == before["received"]:
                    say(f"{path}: 0 events")
        except BrokenPipeError:  # an output's, not the file's
            raise
        except OSError as error:
            raise InputError(path, -1, error.strerror or str(error)) from None

    def _check_any(self, path: str, before: dict[str, Any]) -> None:
        """Of lines: whether any was an event, and one that a rule is about."""
        after = self.engine.stats()
        decoded, judged = (after[name] - before[name] for name in ("decoded", "judged"))
        if after["malformed"] > before["malformed"] and not decoded:
            raise no_events(path)
        if decoded and not judged and not self._judge:
            say(
                f"{path}: no rule is about any of its {decoded:,} events; events that do not say themselves what they "
                "are need --product and --category"
            )

    def _recording(self, number: int, recorded: Recorded) -> None:
        self._begin(recorded.header)
        playback = ffi.new("struct sn_playback *", {"file": number})
        more, begin = 1, self._done
        try:
            while more == 1:
                before = playback.index
                more = recorded.play(self.engine, playback)
                self._pace.fed(playback.index - before)
                self._take()
                self._show(begin + playback.offset)
                if more == 1:
                    playback.limit, playback.until = self._wait(playback.time)
            recorded.ended(more, playback.offset)
        finally:
            self.traces.update(recorded.counts())

    def _lines(self, number: int, source: Input) -> None:
        if self._pace.as_recorded:
            raise InputError(source.path, -1, "--speed 1x is for recordings", "give JSON lines --speed N/s")
        self._begin({})
        index, begin, blocks = 0, self._done, iter(source.blocks)
        while (block := self._next(blocks)) is not None:
            index = self._feed(number, source.path, block, index)
            self._show(begin + source.position())

    def _next(self, blocks: Iterator[Block]) -> Block | None:
        with self.interruption.waiting():
            return next(blocks, None)

    def _wait(self, at: int = 0) -> tuple[int, int]:
        with self.interruption.waiting():
            return self._pace.wait(at)

    def _feed(self, number: int, path: str, block: Block, index: int) -> int:
        """Feeds whole lines; the index of the next one."""
        view, at = memoryview(block), 0
        text = bytes(block) if self._pace.rate else b""
        while at < len(view):
            end = len(view)
            if self._pace.rate:
                end = after_lines(text, at, self._wait()[0])
            malformed = self._count("malformed")
            used, after = self.engine.feed_lines(view[at:end], route=self._route, file=number, index=index)
            if self._count("malformed") > malformed:
                self._explain(path, view[at : at + used], index)
            self._pace.fed(after - index)
            at, index = at + used, after
            self._take()
        return index

    def _explain(self, path: str, lines: memoryview, index: int) -> None:
        """Says of the first few malformed lines what is wrong, by feeding these lines again to an engine aside."""
        if self._malformed_shown >= _MALFORMED_SHOWN:
            return
        with Engine(ring_bytes=1 << 17, alert_bytes=_ALERT_BYTES, table_bytes=1 << 16, table_entries=64) as aside:
            aside.swap_rules(Rules(self._table))
            for number, line in enumerate(bytes(lines).split(b"\n"), index):
                if not line.strip() or aside.feed_json(line, route=self._route):
                    aside.take()
                    continue
                say(f"{path}:{number + 1}: left out: {what_is_wrong(line)}")
                self._malformed_shown += 1
                if self._malformed_shown == _MALFORMED_SHOWN:
                    say("further malformed lines are counted only")
                    return

    def _count(self, name: str) -> int:
        """One of the engine's counters: cheap enough to look at it once a block."""
        lib.sn_engine__stats(self.engine.pointer, self._stats)
        return int(getattr(self._stats, name))

    def _show(self, done: int) -> None:
        self._progress.update(done, f"{self._count('alerts')} alerts")

    # ---- alerts ----

    def _take(self) -> None:
        if self._judge is None:
            while raw := self.engine.take_raw():
                self._put(raw)
            return
        while frames := self.engine.take():
            for frame in frames:
                if self._pending and (self._pending[0].file, self._pending[0].index) != (frame.file, frame.index):
                    self._flush()
                self._pending.append(frame)

    def _flush(self) -> None:
        """The reference judges an event once all its frames are there."""
        if self._pending:
            alerts = self._judge.judge(self._pending)
            self.reference["alerts"] += len(alerts)
            self.reference["undecidable"] += sum(a.verdict == lib.SN_UNDECIDABLE for a in alerts)
            self.reference["matched_events"] += bool(alerts)
            self._pending = []
            self._put(b"".join(map(frame_bytes, alerts)))

    def _put(self, frames: bytes | memoryview) -> None:
        for lines in self._writer.write(frames):
            for sink in self._sinks:
                sink.put_lines(lines, wait=True)
        if all(sink.ended for sink in self._sinks):
            if all(sink.left for sink in self._sinks):
                raise BrokenPipeError
            raise LinsangError(self._sinks[-1].ended)

    def _hurried(self, sink: Sink) -> bool:
        """Whether `sink` is waited for no longer. Says once what it lacks."""
        if (error := sink.counters()["last_error"]) and sink not in self._late:
            self._late.add(sink)
            say(f"output {sink.url}: {error}; it is waited for, Ctrl-C gives it up")
        return bool(self.interruption.signal)

    def close(self) -> None:
        """Everything is written when it returns; LinsangError when an output could not take it, BrokenPipeError when
        its reader did not want it."""
        for sink in self._sinks:
            sink.close(_CLOSE_S)
        for sink in self._sinks:
            counters: Any = sink.counters()
            if (dropped := sum(counters["dropped"].values())) and not sink.left:
                why = counters["ended"] or counters["last_error"] or "too slow"
                raise LinsangError(f"output {sink.url} is without {dropped} alerts: {why}")
        if any(sink.left for sink in self._sinks):
            raise BrokenPipeError

    # ---- summary ----

    def summary(self, elapsed_s: float) -> dict[str, Any]:
        """As docs/operations.md has it."""
        stats = self.engine.stats() | (self.reference if self._judge else {})
        judged = max(stats["judged"], 1)
        times = {f"p{name}": self.engine.match_quantile(q) for name, q in (("50", 0.5), ("99", 0.99), ("999", 0.999))}
        faults = self._loaded.faults
        return {
            "events": stats["received"],
            **{n: stats[n] for n in ("decoded", "malformed", "alerts", "undecidable", "matched_events")},
            "rules": {
                "loaded": len(self._loaded.rules),
                "refused": [{"file": f.path, "id": f.rule_id, "reason": f.reason} for f in faults],
            },
            "elapsed_s": round(elapsed_s, 6),
            "decode_ns": {"mean": round(stats["decode_ns_sum"] / judged, 1)},
            "match_ns": {"mean": round(stats["match_ns_sum"] / judged, 1), **times, "max": stats["match_ns_max"]},
            "lost": {"events": self.seq_lost, "alerts": stats["alerts_dropped"]},
            **({"traces": dict(self.traces)} if self.traces else {}),
            "interrupted": bool(self.interruption.signal),
        }


def _rule_paths(config: Config) -> list[Path]:
    return [Path(p) for p in config.rules.paths] or default_rules()


def replay(config: Config, files: Sequence[str], options: Options) -> int:
    """Replays `files` ("-": lines on standard input). 1 when a rule was refused (unless that is allowed), a file was
    damaged or an output failed; everything else is done nevertheless. 128 + its number when a signal ended it, with all
    alerts of what was judged and a summary. LinsangError when nothing could begin."""
    with _report(options.summary) as report:
        return _replay(config, files, options, report)


def _replay(config: Config, files: Sequence[str], options: Options, report: BinaryIO | None) -> int:
    loaded = load(_rule_paths(config), Path(config.paths.cache), config.rules.reading)
    for fault in loaded.faults:
        say(f"{'left out' if config.rules.skip_broken else 'error'}: {fault}")
    run = _Replay(loaded, config, options, files)
    begin = time.perf_counter()
    with run.interruption.entered():
        try:
            errors = run.run(options.loop)
        finally:
            run.close()
    summary = run.summary(time.perf_counter() - begin)
    run.engine.close()
    if report:
        try:
            report.write(f"{json_page(summary)}\n".encode())
        except OSError as error:
            raise LinsangError(f"{report.name}: {error.strerror}", _WRITABLE) from None
    interrupted = run.interruption.signal
    if sys.stderr.isatty() or interrupted or summary["malformed"] or summary["lost"]["alerts"]:
        text = ", ".join(f"{summary[name]:,} {name}" for name in ("events", "malformed", "alerts", "undecidable"))
        say(f"{'interrupted: ' if interrupted else ''}{text} in {summary['elapsed_s']:.2f} s")
    if interrupted:
        return 128 + interrupted
    refused = loaded.faults and not config.rules.skip_broken
    return 1 if errors or refused or summary["lost"]["alerts"] else 0


@contextmanager
def _report(path: str | None) -> Iterator[BinaryIO | None]:
    """Where the summary goes, opened before there is any. LinsangError: it cannot be written."""
    if path in {None, "-"}:
        yield sys.stderr.buffer if path else None
        return
    try:
        file = Path(str(path)).open("wb", buffering=0)  # noqa: SIM115 - closed below
    except OSError as error:
        raise LinsangError(f"{path}: {error.strerror}", _WRITABLE) from None
    with file:
        yield file

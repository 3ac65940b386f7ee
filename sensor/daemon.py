"""`linsang run`: settings, outputs and rules first, then the source, then one loop that takes alerts.

The loop wakes for alerts and once a second. At a signal to stop, a thread ends the source and lets the match thread
finish, while the loop goes on taking: nothing that was captured is lost.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

import sensor
from sensor import health
from sensor.alert import AlertWriter, by_generation
from sensor.clock import boot_to_epoch_ns, now_ns
from sensor.config import Config
from sensor.context import Contexts, grave
from sensor.encode import Lines, rfc3339
from sensor.errors import LinsangError
from sensor.facts_of_files import Answering, answering, opened_facts
from sensor.host import memory_bytes
from sensor.insight import rows_of, rule_costs, time_rules
from sensor.live import Live
from sensor.live_processes import live_processes
from sensor.loaded_rules import LoadedRules, load
from sensor.native import Rules, ffi, lib
from sensor.orders import Orders, Stop, by_signals, reloads_held
from sensor.outputs import Outputs
from sensor.paths import default_rules
from sensor.priority import raise_thread
from sensor.rollup import Rollup
from sensor.runtime import Runtime
from sensor.sinks import open_sinks
from sensor.systemd import ALIVE, READY, STOPPING, Manager
from sensor.terminal import say

_SECOND_NS = 1_000_000_000
_CLOCK_STEP_NS = 1_000_000
_SWITCH_S = 0.001  # whoever answers questions of files waits for the interpreter each time that it looked at one
_TIMED_EVERY = 256  # one of so many judgements of rules is timed
_FACTS = ("questions", "questions_dropped", "answers", "facts_known")
_HELD = ("held", "held_now", "held_max", "held_late", "held_refused")
_COSTS_MAX = 100  # rules that the status tells the cost of


def load_rules(config: Config) -> LoadedRules:
    """The rules of the settings. LinsangError when some are refused and that is not allowed; each is named before."""
    paths = [Path(p) for p in config.rules.paths] or default_rules()
    loaded = load(paths, Path(config.paths.cache), config.rules.reading)
    for fault in loaded.faults:
        say(f"{'left out' if config.rules.skip_broken else 'error'}: {fault}")
    if loaded.faults and not config.rules.skip_broken:
        raise LinsangError(
            f"{len(loaded.faults)} rules are refused, {len(loaded.rules)} are fine",
            "repair them, or start without them: --skip-broken-rules",
        )
    if not loaded.rules:
        say(f"no rules in {', '.join(map(str, paths))}: nothing will be found")
    return loaded


class Daemon:
    """One run."""

    def __init__(
        self,
        config: Config,
        loaded: LoadedRules,
        rules: Rules,
        outputs: Outputs,
        live: Live,
        *,
        enrichment: Answering | None,
        manager: Manager,
        runtime: Runtime,
    ) -> None:
        self._config = config
        self._loaded = loaded
        self._rules = rules
        self._swapping = threading.Lock()  # the thread of the status asks for the costs of the rules in use
        self._outputs = outputs
        self._live = live
        self._enrichment = enrichment
        self._manager = manager
        self._runtime = runtime
        self._host = socket.gethostname()
        self._run = os.urandom(4).hex()
        self._rollup = Rollup(config.rollup.interval_s * _SECOND_NS)
        self._epoch = boot_to_epoch_ns()
        self._writers = {1: self._writer(loaded)}
        self._grave = {1: grave(rule.level for rule in loaded.rules)}
        self._contexts = Contexts(live.engine, host=self._host, run=self._run)
        self._started = time.time()
        self._lost = 0
        self._alerts_lost = 0
        self._told_failure = False
        self._stop = Stop()
        self._reload_asked = False
        self._compiling: threading.Thread | None = None
        self._compiled: LoadedRules | None = None
        self._refused = ""  # why the last reload left the rules as they were
        self.problem = ""

    def _writer(self, loaded: LoadedRules) -> AlertWriter:
        writer = AlertWriter(self._live.engine, loaded.lines, loaded.fields, host=self._host, run=self._run)
        writer.set_clock(self._epoch)
        return writer

    # ---- signals: their handlers run between two steps of the loop; a signal also ends its wait ----

    def ask_stop(self, number: int, frame: FrameType | None) -> None:
        """Handler of SIGTERM and SIGINT."""
        self._stop.hear(number, frame)

    def ask_reload(self, number: int, frame: FrameType | None) -> None:
        """Handler of SIGHUP."""
        self._reload_asked = True

    def end(self) -> None:
        """To stop, from any thread: within a second."""
        self._stop.asked = True

    # ---- the loop ----

    def loop(self) -> None:
        """Until a signal, and until all that was captured by then is judged and handed to the outputs."""
        stopping: threading.Thread | None = None
        raise_thread()
        self._tell_gap()
        self._tell_troubles()
        next_second = time.monotonic() + 1
        while self._live.running:
            self._live.engine.wait(max(0.0, next_second - time.monotonic()))
            self._take(next_second)
            if time.monotonic() >= next_second:
                next_second = time.monotonic() + 1
                self._each_second()
            if self._stop.asked and stopping is None:
                stopping = threading.Thread(target=self._live.stop, name="stop")
                stopping.start()
                self._manager.tell(STOPPING)
        if stopping is not None:
            stopping.join()
        self._take()
        self._each_second()
        for alert in (*self._contexts.flush(self._epoch), *self._rollup.flush(time.time_ns())):
            self._outputs.put(alert)

    def _take(self, until: float = float("inf")) -> None:
        """All that there is; of alerts that come faster than they can be written, those until then."""
        while time.monotonic() < until and (frames := self._live.engine.take_raw()):
            for generation, some in by_generation(frames):
                self._contexts.note(some, self._grave[generation])
                for lines in self._writers[generation].write(some):
                    self._outputs.put_lines(self._rolled_up(lines) if lines.undecidable else lines)

    def _rolled_up(self, lines: Lines) -> Lines:
        """Without the undecidables that are only counted."""
        now = time.time_ns()
        passed = [line for line, alert in lines if self._rollup.passes(alert, now)]
        return Lines(b"".join(passed), len(passed))

    def _each_second(self) -> None:
        self._manager.tell(ALIVE)
        self._runtime.still_watching()
        contexts = self._contexts.due(now_ns(), self._epoch)
        for alert in (*contexts, *self._rollup.due(time.time_ns())):
            self._outputs.put(alert)
        self._tell_losses()
        self._tell_troubles()
        self._tell_failure()
        self._live.source.refresh()
        self._follow_clock()
        self._reload()
        ended = self._outputs.ended
        try:
            self._live.check()
        except LinsangError as error:
            ended = str(error)
        if ended and not self.problem:
            self.problem = ended
            self._stop.asked = True

    def _tell(self, kind: health.Health, **details: Any) -> None:
        self._outputs.put(health.health_alert(kind, host=self._host, time_ns=time.time_ns(), **details))

    def _tell_gap(self) -> None:
        if (last := self._runtime.begin_watch()) is not None:
            self._tell(
                health.SENSOR_KILLED,
                last_alive=rfc3339(int(last * _SECOND_NS), 3),
                unseen_s=round(time.time() - last, 1),
            )

    def _tell_troubles(self) -> None:
        for trouble in self._live.source.troubles():
            self._tell(trouble.kind, **trouble.details)

    def _tell_losses(self) -> None:
        account = self._live.account()
        if account.lost > self._lost:
            self._tell(
                health.EVENTS_LOST, **{**account.as_dict(), "lost": account.lost - self._lost, "total": account.lost}
            )
            self._lost = account.lost
        stats = self._live.engine.stats()
        dropped = stats["alerts_dropped"]
        if dropped > self._alerts_lost:
            self._tell(
                health.ALERTS_LOST,
                lost=dropped - self._alerts_lost,
                total=dropped,
                total_undecidable=stats["undecidable_dropped"],
            )
            self._alerts_lost = dropped
        for details in self._outputs.dropped():
            self._tell(health.OUTPUT_DROPPED, **details)

    def _tell_failure(self) -> None:
        failure = self._enrichment.failure if self._enrichment else ""
        if failure and not self._told_failure:
            self._tell(health.FACTS_FAILED, reason=failure)
        self._told_failure = bool(failure)

    def _follow_clock(self) -> None:
        """The wall clock may be set; alerts tell the time that it shows."""
        epoch = boot_to_epoch_ns()
        if abs(epoch - self._epoch) > _CLOCK_STEP_NS:
            self._epoch = epoch
            for writer in self._writers.values():
                writer.set_clock(epoch)

    # ---- reload ----

    def _reload(self) -> None:
        """Compiles beside the loop, then swaps. Rules that are refused leave the old ones in place."""
        if self._reload_asked and self._compiling is None:
            self._reload_asked = False
            self._compiling = threading.Thread(target=self._compile, name="reload")
            self._compiling.start()
        if self._compiling is None or self._compiling.is_alive():
            return
        self._compiling = None
        if self._compiled is None:
            self._tell(health.RELOAD_REFUSED, reason=self._refused)
            return
        rules = Rules(self._compiled.table)
        with self._swapping:
            self._live.engine.swap_rules(rules)
            self._loaded, self._compiled, self._rules = self._compiled, None, rules
        generation = self._live.engine.stats()["generation"]
        # alerts of the table before may still wait
        self._writers = {max(self._writers): self._writers[max(self._writers)]}
        self._writers[generation] = self._writer(self._loaded)
        self._grave = {max(self._grave): self._grave[max(self._grave)]}
        self._grave[generation] = grave(rule.level for rule in self._loaded.rules)
        say(f"reloaded: {len(self._loaded.rules)} rules")

    def _compile(self) -> None:
        try:
            self._compiled, self._refused = load_rules(self._config), ""
        except Exception as error:  # whatever it is, the sensor goes on with the rules that it has
            self._refused = str(error) if isinstance(error, LinsangError) else repr(error)
            say(f"error: {self._refused}; the rules stay as they were")

    # ---- status ----

    def status(self) -> dict[str, Any]:
        """For `linsang status`. Any thread."""
        live = self._live
        stats = live.engine.stats()
        types: dict[int, str] = ffi.typeof("enum sn_type").elements
        table = ("table_entries", "table_bytes", "table_evicted", "table_exited", "table_unknown_parent")
        return {
            "version": sensor.__version__,
            "host": self._host,
            "uptime_s": round(time.time() - self._started, 1),
            **live.source.status(stats),
            "rules": {
                "loaded": len(self._loaded.rules),
                "refused": len(self._loaded.faults),
                "not_reloaded": self._refused,
            },
            "events": {name.removeprefix("SN_").lower(): stats["by_type"][n] for n, name in sorted(types.items())},
            "alerts": {
                name: stats[name]
                for name in ("alerts", "alerts_dropped", "undecidable", "undecidable_dropped", "matched_events")
            }
            | {"contexts_left_out": self._contexts.left_out},
            "account": live.source.account(stats).as_dict(),
            "processes": {name.removeprefix("table_"): stats[name] for name in table},
            "facts": self._facts(stats),
            "outputs": [{"url": sink.url, **sink.counters()} for sink in self._outputs.sinks],
            "costs": self._costs(),
            "core": {name: count for name, count in stats.items() if isinstance(count, int)},
            "memory": memory_bytes(),
            "cpu_s": round(time.process_time(), 2),
        }

    def _facts(self, stats: Mapping[str, Any]) -> dict[str, Any]:
        if self._enrichment is None:
            return {"off": "nobody looks at files"}
        return {name: stats[name] for name in (*_FACTS, *_HELD)} | {
            "off": self._enrichment.failure,
            "work": self._enrichment.counters(),
        }

    def _costs(self) -> dict[str, Any]:
        """The dearest rules by what was sampled since they were read."""
        with self._swapping:
            loaded, costs = self._loaded, rule_costs(self._live.engine, self._rules)
        return {"every": _TIMED_EVERY, "costs": rows_of(loaded.rules, costs)[:_COSTS_MAX]}


def _summary(live: Live, outputs: Outputs) -> None:
    account = live.account()
    say(f"stopped; {account.lost} events lost, {live.engine.stats()['alerts']} alerts")
    for text, holds in account.equations():
        say(f"{text}{'' if holds else ' does not hold'}")
    for sink in outputs.sinks:
        dropped: Any = sink.counters()["dropped"]
        if dropped:
            say(f"output {sink.url} dropped {sum(dropped.values())}: {dropped}")


def run(config: Config, orders: Orders = by_signals) -> int:
    """Runs until it is told to stop. The exit code; LinsangError when it cannot start."""
    lib.sn_heap__keep_small()
    sys.setswitchinterval(_SWITCH_S)
    manager = Manager()
    with ExitStack() as stack:
        stack.enter_context(reloads_held())
        outputs = Outputs(open_sinks([output.url for output in config.output]), config.rollup.interval_s)
        stack.callback(outputs.close)
        runtime = stack.enter_context(Runtime(config.paths.runtime))
        loaded = load_rules(config)
        rules = Rules(loaded.table)
        facts = stack.enter_context(opened_facts(config, loaded.table))
        with Live(config, say=say, rules=rules, facts=facts is not None) as live, ExitStack() as service:
            time_rules(live.engine, _TIMED_EVERY)
            enrichment = None
            if facts is not None:
                enrichment = service.enter_context(answering(live.engine, facts, provenance=live.source.writers))
            daemon = Daemon(
                config, loaded, rules, outputs, live, enrichment=enrichment, manager=manager, runtime=runtime
            )
            service.enter_context(orders(daemon))
            service.callback(runtime.end_service)
            runtime.serve("status", lambda: [json.dumps(daemon.status()).encode()])
            runtime.serve("processes", lambda: live_processes(live))
            known = f"{live.source}, {live.source.snapshot} processes known"
            say(f"ready: {len(loaded.rules)} rules, {known}; watching")
            manager.tell(READY)
            daemon.loop()
            outputs.close()
            _summary(live, outputs)
        if daemon.problem:
            raise LinsangError(daemon.problem)
    return 0

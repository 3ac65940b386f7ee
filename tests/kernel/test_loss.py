"""What does not fit into the ring is counted, and the numbers of the records say so, exactly."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from ring_reader import Watch, decode

from sensor.sources.kernel import open_kernel_source

SMALL_RING = 64 << 10
MADE = 500_000


@pytest.mark.usefixtures("watch")  # where BPF works
@pytest.mark.parametrize("cores", [1, 2])
def test_lost_and_received_are_all(cache_dir: Path, program: Callable[[str], Path], cores: int) -> None:
    """A flood into a small ring that is drained now and then: by CPU, what came and what the gaps say is what was seen,
    and the attempts among it are all that were made."""
    watch = Watch(open_kernel_source(SMALL_RING, cache_dir))
    raw: list[bytes] = []
    with watch.source.measured():
        floods = [subprocess.Popen([str(program("udp_flood")), str(MADE // cores)]) for _ in range(cores)]
        while any(flood.poll() is None for flood in floods):
            raw.extend(watch.reader.drain())
        raw.extend(watch.reader.drain())
        attempts = watch.source.run_stats()["connect4"]
    assert [flood.returncode for flood in floods] == [0] * cores
    # Detached, the counters stand still.
    watch.source.detach()
    raw.extend(watch.reader.drain())
    by_cpu = watch.source.counters()
    watch.close()

    numbers: dict[int, list[int]] = defaultdict(list)
    received = 0
    pids = {flood.pid for flood in floods}
    for record in map(decode, raw):
        numbers[record.cpu].append(record.seq)
        received += record.type == "SN_CONNECT" and record.pid in pids
    lost = 0
    for cpu, counters in enumerate(by_cpu):
        assert counters.seen == counters.submitted + counters.ring_full + counters.oversized + counters.busy
        assert counters.seen == counters.next_seq
        assert sum(counters.by_type) == counters.submitted
        assert len(set(numbers[cpu])) == len(numbers[cpu]) == counters.submitted
        assert all(seq < counters.next_seq for seq in numbers[cpu])
        lost += counters.next_seq - len(numbers[cpu])
    assert lost == sum(c.ring_full + c.oversized + c.busy for c in by_cpu) > 0
    assert attempts.missed == 0
    assert attempts.run_count >= MADE
    # Whatever else the machine did in that time is in `lost` too, so it can only be more.
    assert received + lost >= MADE

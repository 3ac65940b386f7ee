"""Chains of proxies as the kernel tells them: wrappers that exec, helpers that fork, scripts that are proxies."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ring_reader import Watch, decode

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from engine_rules import table

from sensor.native import Engine, Rules
from sensor.proxy import Proxy, proxy_of

MARK = "linsang-payload"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SHELL": "/bin/sh"}
LOADER = "/lib64/ld-linux-x86-64.so.2"
CHAINS = [
    ("env A=1 nice timeout 5 TRUE MARK", "env nice timeout"),
    ("env A=1 nice timeout 5 bash -c 'echo TRUE MARK | sh'", "env nice timeout bash sh"),
    ("env -S 'nice TRUE' MARK", "env nice"),
    ("nohup setsid -w TRUE MARK", "nohup setsid"),
    ("setsid -f TRUE MARK", "setsid"),
    ("stdbuf -o0 ionice -c3 TRUE MARK", "stdbuf ionice"),
    ("taskset -c 0 chrt -o 0 TRUE MARK", "taskset chrt"),
    ("setpriv --no-new-privs TRUE MARK", "setpriv"),
    ("unshare --uts TRUE MARK", "unshare"),
    ("unshare --uts --fork TRUE MARK", "unshare"),
    ("flock lock TRUE MARK", "flock"),
    ("flock lock -c 'TRUE MARK'", "flock sh"),
    ("echo MARK | xargs -n1 TRUE", "xargs"),
    ("find . -maxdepth 0 -exec TRUE MARK {} \\;", "find"),
    ("find . -maxdepth 0 -exec env TRUE MARK {} +", "find env"),
    ("script -qc 'TRUE MARK' /dev/null", "script sh"),
    ("make -s --eval='x:; @TRUE MARK' x", "make"),
    ("printf 'x:\\n\\t@TRUE MARK; :\\n' > Makefile; make -s", "make sh"),
    ("runuser -u root -- TRUE MARK", "runuser"),
    ("su -s /bin/sh -c 'TRUE MARK' root", "su sh"),
    ("tar cf x.tar . --checkpoint=1 --checkpoint-action=exec='TRUE MARK'", "tar sh"),
    ("split --filter='TRUE MARK' /etc/passwd", "split sh"),
    ("ssh -o BatchMode=yes -o ProxyCommand='TRUE MARK' x.invalid", "ssh sh"),
    ("git -c core.pager='TRUE MARK' -c alias.x='!TRUE MARK' x", "git sh"),
    ("python3 -c 'import os; os.system(\"TRUE MARK\")'", "python3 sh"),
    ('perl -e \'system("TRUE", "MARK")\'', "perl"),
    ("awk 'BEGIN{system(\"TRUE MARK\")}'", "awk sh"),
    ("strace -o /dev/null TRUE MARK", "strace"),
    (f"{LOADER} /usr/bin/env TRUE MARK", f"{LOADER.rpartition('/')[2]} env"),
    ("busybox env TRUE MARK", "busybox env"),
    ("start-stop-daemon --start --exec /usr/bin/env -- TRUE MARK", "start-stop-daemon env"),
    ("mkdir parts; cp TRUE parts/MARK; run-parts parts", "run-parts"),
    ("parallel TRUE ::: MARK", "parallel sh"),
    ("sudo -n TRUE MARK", "sudo"),
    ("echo 'import os; os.system(\"TRUE MARK\")' | python3", "python3 sh"),
    ("TRUE MARK", ""),
    ("cd . && TRUE MARK", ""),
]
SAME = {"dash": "sh", "mawk": "awk", "gawk": "awk", "original-awk": "awk"}  # what a name may lead to


def plain(chain: tuple[str, ...]) -> str:
    """Without versions, and shells that a C library puts between."""
    return " ".join(SAME.get(name, "python3" if name.startswith("python") else name) for name in chain)


def proxies_of(raw: list[bytes], engine: Engine) -> list[Proxy | None]:
    """Of the execs that have the mark among their arguments and are its last link."""
    found = []
    for record in sorted(raw, key=lambda r: decode(r).time):
        engine.feed(record)
        for frame in engine.take():
            event = decode(frame.event)
            if MARK.encode() in event.argv and event.image.endswith((b"/true", b"/coreutils", MARK.encode())):
                found.append(proxy_of(frame.proxy))
    return found


@pytest.mark.parametrize(("command", "chain"), CHAINS, ids=lambda value: value[:50])
def test_chain(command: str, chain: str, watch: Watch, tmp_path: Path) -> None:
    """The shell that runs the command is given it on standard input, so that it is no link itself."""
    tools = [name for name in chain.split() if name != LOADER.rpartition("/")[2]]
    if lacking := [name for name in tools if not shutil.which(name, path=ENVIRONMENT["PATH"])]:
        pytest.skip(f"not on this machine: {', '.join(lacking)}")
    if chain == "sudo" and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode:
        pytest.skip("sudo's settings keep us from it")
    engine = Engine(ring_bytes=1 << 16, alert_bytes=1 << 20, table_bytes=1 << 20, table_entries=4096)
    engine.swap_rules(Rules(table([("linux", "process_creation", "Image", "/")])))
    watch.reader.drain()
    text = command.replace("MARK", MARK).replace("TRUE", "/usr/bin/true")
    subprocess.run(
        ["sh"], input=text, text=True, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, check=False, timeout=60
    )
    proxies = proxies_of(watch.reader.drain(), engine)
    assert proxies, "the payload was not run"
    chains = [proxy.chain if proxy else () for proxy in proxies]
    assert chain in map(plain, chains), chains
    for proxy in proxies:
        assert proxy is None or proxy.kind in {"command", "inline script"}

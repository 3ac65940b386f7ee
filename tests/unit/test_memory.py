"""What the running sensor does not load: each of these costs it memory for good."""

import json
import subprocess
import sys

# OpenSSL 3.6 MiB; the compiler belongs to a child of its own
DEAR = {"_hashlib", "_ssl", "yaml", "sigma", "bcc", "asyncio", "email", "http"}


def test_modules_of_the_daemon() -> None:
    script = "import json, sys, sensor.daemon, sensor.sources.linux; json.dump(sorted(sys.modules), sys.stdout)"
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True).stdout
    assert DEAR & set(json.loads(told)) == set()

"""docs/lolbas.md: current, and wide enough."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sensor.compiler.grammar import shipped_win_grammars
from sensor.compiler.lolbas import WHY, all_seen, lacking, page, share
from sensor.proxy import Proxy, Start, unwind_windows

PAGE = Path(__file__).parents[2] / "docs" / "lolbas.md"
CORPUS = os.environ.get("LINSANG_CORPUS", "")
LEAST = 0.95

pytestmark = pytest.mark.skipif(not CORPUS, reason="LINSANG_CORPUS is not set")


def seen(line: str) -> Proxy | None:
    image = line.split('"')[1] if line.startswith('"') else line.split(maxsplit=1)[0]
    return unwind_windows(shipped_win_grammars(), Start(image=image, command_line=line))


def in_quotes(line: str) -> str:
    """As CommandLineToArgvW takes it back."""
    return '"' + re.sub(r'(\\*)"', r'\1\1\\"', line) + '"'


@pytest.mark.parametrize(
    ("around", "chain"),
    [
        ("cmd /c {}", ("cmd",)),
        ('"C:\\Windows\\System32\\cmd.exe" /d /s /c "{}"', ("cmd",)),
        ('cmd.exe /c start "" /min {}', ("cmd",)),
        ("cmd /c ping -n 3 127.0.0.1 >nul & {} & exit", ("cmd",)),
        ("cmd /c if 1==1 {}", ("cmd",)),
        ("conhost.exe --headless {}", ("conhost",)),
        ("rundll32 shell32.dll,ShellExec_RunDLL {}", ("rundll32", "shell32.dll")),
        ("forfiles /p c:\\windows /m win.ini /c [{}]", ("forfiles",)),
        ("wmic process call create [{}]", ("wmic",)),
        ("schtasks /create /sc once /tn x /tr [{}]", ("schtasks",)),
        ("sc create x binPath= [{}]", ("sc",)),
    ],
)
def test_each_is_the_same_behind_another(around: str, chain: tuple[str, ...]) -> None:
    lines = {line for one in all_seen(Path(CORPUS)) for line in one.command.lines if "%" not in line}
    for line in sorted(lines):
        alone = seen(line)
        if alone is None or alone.kind == "unknown" or line.startswith("C:\\Program Files"):
            continue
        whole = around.replace("[{}]", in_quotes(line)) if "[{}]" in around else around.replace("{}", line)
        if not whole.startswith("cmd") and re.search(r"^\S+\.(vbs|bat)\b", line, re.IGNORECASE):
            continue  # they are no programs
        behind = seen(whole)
        assert behind, whole
        assert behind.chain == chain + alone.chain, whole
        assert (behind.kind, behind.path, behind.url) == (alone.kind, alone.path, alone.url), whole


def test_page_is_current() -> None:
    """Else: python -m sensor.compiler.lolbas > docs/lolbas.md."""
    assert PAGE.read_text() == page(all_seen(Path(CORPUS)))


def test_most_commands_are_covered() -> None:
    assert share(all_seen(Path(CORPUS))) >= LEAST


def test_each_that_is_not_says_why() -> None:
    assert lacking(all_seen(Path(CORPUS))) == set(WHY)

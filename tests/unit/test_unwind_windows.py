"""What processes of Windows were made to run: events through the engine, the proxy in their alerts and the fields that
rules read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from engine_rules import Row, table
from row_files import rows

from sensor.compiler import compile_table, load_rules
from sensor.compiler.grammar import shipped_win_grammars
from sensor.native import Engine, Frame, Rules
from sensor.proxy import Proxy, Start, proxy_of, unwind_windows
from sensor.reference_events import event_of

ANY: Row = ("windows", "process_creation", "Image", "e")
SYSMON = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1}


@cache
def _engine(rules: tuple[Row, ...]) -> Engine:
    engine = Engine(ring_bytes=1 << 16, alert_bytes=1 << 20, table_bytes=1 << 18, table_entries=4096)
    engine.swap_rules(Rules(table(rules)))
    return engine


def frames(event: Mapping[str, Any], *rules: Row) -> list[Frame]:
    engine = _engine(rules or (ANY,))
    assert engine.feed_json(json.dumps(event).encode())
    return engine.take()


def seen(line: str, image: str = "", **more: str) -> Proxy | None:
    (frame,) = frames(SYSMON | {"Image": image or program(line), "CommandLine": line} | more)
    return proxy_of(frame.proxy)


def program(line: str) -> str:
    """A path with blanks goes as far as .exe; one without `e` in it would not meet the rule."""
    match = re.match(r'"([^"]*)"?|([A-Z]:\\.*?\.exe(?=\s)|\S*)', line, re.IGNORECASE)
    assert match
    name = match[1] or match[2]
    return name if "e" in name.lower() else f"{name}.exe"


@pytest.mark.parametrize("row", rows("unwind_windows.tsv"), ids=lambda row: row[0])
def test_row(row: list[str]) -> None:
    line, chain, *wanted = row
    proxy = seen(line)
    if chain == "-":
        assert proxy is None
        return
    assert proxy is not None
    assert ",".join(proxy.chain) == chain
    assert proxy.kind == wanted[0]
    named = {name: getattr(proxy, name) for name in ("text", "path", "url", "doubt") if getattr(proxy, name)}
    assert named == dict(part.split("=", 1) for part in wanted[1:])


@pytest.mark.parametrize("row", rows("payloads_windows.tsv"), ids=lambda row: "\t".join(row[3:]))
def test_payload(row: list[str]) -> None:
    kind, _, payload, *rest = row
    line = "\t".join(rest)
    proxy = unwind_windows(shipped_win_grammars(), Start(program(line).split("/")[0], command_line=line))
    assert proxy is not None
    assert proxy.kind == kind
    assert payload in f"{proxy.path} {proxy.url} {proxy.text}"


@pytest.mark.parametrize("row", rows("variants_windows.tsv"), ids=lambda row: "\t".join(row[3:]))
def test_variant(row: list[str]) -> None:
    chain, kind, wanted, *rest = row
    line = "\t".join(rest)
    proxy = unwind_windows(shipped_win_grammars(), Start(program(line.lstrip()).split("/")[0], command_line=line))
    if chain == "-":
        assert proxy is None
        return
    assert proxy is not None
    assert (",".join(proxy.chain), proxy.kind) == (chain, kind)
    name, _, value = wanted.partition("=")
    assert value in proxy.text if name == "text" else value == getattr(proxy, name)


@pytest.mark.parametrize(
    "filling", ['"', "^", "\\", '\\"', "%", "!", "(", "&x", "{", "'", "0x", "%OS:~0,1%", "\ud800", "//a/", "@{a="]
)
@pytest.mark.parametrize(
    "begin", ["", "cmd /v /c ", "powershell -c ", "rundll32 ", "odbcconf /a {", "forfiles /c ", "msiexec /p "]
)
def test_text_of_one_sign(begin: str, filling: str) -> None:
    for count in (1, 2, 32767 // len(filling)):
        proxy = unwind_windows(
            shipped_win_grammars(), Start(begin.strip().partition(" ")[0], command_line=begin + filling * count)
        )
        assert proxy is None or proxy.chain


# ---- the parent ----


@pytest.mark.parametrize(
    ("parent", "child", "chain"),
    [
        ("forfiles.exe /c calc.exe", "calc.exe", ("forfiles",)),
        ("cmd.exe /c powershell -c x", "powershell -c x", ("cmd", "powershell")),
        ("cmd.exe /c start powershell -c x", "powershell.exe -c x", ("cmd", "powershell")),
        ('cmd.exe /c "whoami & hostname"', "hostname.exe", ("cmd",)),
        ("cmd.exe /c C:\\x.bat", "hostname.exe", ()),
        ("cmd.exe", "hostname.exe", ()),
        ("powershell.exe -f C:\\x.ps1", "hostname.exe", ()),
        ("powershell.exe -c IEX(1)", "hostname.exe", ("powershell",)),
        ("mshta.exe C:\\x.hta", "powershell.exe -c x", ("mshta", "powershell")),
        ("rundll32.exe x.dll,y", "cmd.exe /c whoami", ("rundll32", "cmd")),
        ("rundll32.exe x.dll,y", "conhost.exe 0x4", ()),
        ("rundll32.exe", "cmd.exe", ()),
        ("eventvwr.exe", "powershell.exe", ("eventvwr",)),
        ("notepad.exe calc.exe", "calc.exe", ()),
        ("logger.exe -x calc", "calc.exe", ()),
    ],
)
def test_parent(parent: str, child: str, chain: tuple[str, ...]) -> None:
    proxy = seen(child, ParentImage="C:\\Windows\\" + program(parent), ParentCommandLine=parent)
    assert (proxy.chain if proxy else ()) == chain


def test_what_a_chain_was_made_to_run() -> None:
    more = {"ParentImage": "C:\\forfiles.exe", "ParentCommandLine": "forfiles /c calc"}
    proxy = seen("calc.exe  -x http://198.51.100.7/", "C:\\Windows\\calc.exe", **more)
    assert proxy is not None
    assert (proxy.kind, proxy.text, proxy.path, proxy.url, proxy.function) == (
        "command",
        "calc.exe  -x http://198.51.100.7/",
        "C:\\Windows\\calc.exe",
        "http://198.51.100.7/",
        "wrapper",
    )


# ---- fields ----

FIELDS: dict[str, Any] = {
    "ProxyChain": ["cmd", "rundll32"],
    "ProxyDepth": 2,
    "ProxyFunction": "loader",
    "ProxyIdentity": "cmd",
    "RenamedProxy": "true",
    "PayloadKind": "dll export",
    "PayloadCommandLine": "x.dll,y",
    "PayloadPath": "x.dll",
}
RENAMED = {"Image": "C:\\Temp\\a.exe", "OriginalFileName": "Cmd.Exe", "CommandLine": "a.exe /c rundll32 x.dll,y"}


def field_rules() -> tuple[Row, ...]:
    values = {name: value[-1] if isinstance(value, list) else str(value) for name, value in FIELDS.items()}
    return tuple(("windows", "process_creation", name, value) for name, value in values.items())


def test_rules_read_the_fields() -> None:
    found = frames(SYSMON | RENAMED, *field_rules())
    assert [frame.rule for frame in found] == list(range(len(FIELDS)))


def test_other_events_have_none() -> None:
    for other in ({"EventID": 5}, {"Channel": "Security"}, {"_product": "linux", "_cat": "process_creation"}):
        assert not frames(SYSMON | RENAMED | other, *field_rules())


def test_the_reference_reads_the_same() -> None:
    (frame,) = frames(SYSMON | RENAMED)
    event = event_of(frame, {})
    assert {name: event.get(name) for name in FIELDS} == FIELDS


def test_what_the_event_says_stays() -> None:
    event = SYSMON | RENAMED | {"PayloadPath": "own"}
    rules: tuple[Row, ...] = (("windows", "process_creation", "PayloadPath", "own"),)
    assert len(frames(event, *rules)) == 1
    (frame,) = frames(event)
    assert event_of(frame, {})["PayloadPath"] == "own"


def test_keywords_do_not_see_them(tmp_path: Path) -> None:
    rule = "title: k\nlogsource: {product: windows, category: process_creation}\n"
    (tmp_path / "k.yml").write_text(rule + "detection: {k: ['inline script', 'PLACE'], condition: k}\n")
    engine = Engine(ring_bytes=1 << 16, alert_bytes=1 << 20, table_bytes=1 << 18, table_entries=4096)
    engine.swap_rules(Rules(compile_table(load_rules([tmp_path])).bytes))
    event = SYSMON | {"Image": "C:\\cmd.exe", "CommandLine": "cmd /c a & b"}
    assert engine.feed_json(json.dumps(event).encode())
    assert not engine.take()


def test_security_log() -> None:
    event = {"Channel": "Security", "EventID": 4688, "NewProcessName": "C:\\cmd.exe", "CommandLine": "cmd /c calc"}
    parent = {"ParentProcessName": "C:\\Windows\\forfiles.exe"}
    (frame,) = frames(event | parent)
    proxy = proxy_of(frame.proxy)
    assert proxy is not None
    assert (proxy.chain, proxy.text) == (("cmd",), "calc")


@pytest.mark.parametrize(
    ("original", "image", "identity", "renamed"),
    [
        ("PowerShell.EXE", "powershell.exe", "powershell", "false"),
        ("pwsh.dll", "pwsh.exe", "pwsh", "false"),
        ("RUNDLL32.EXE", "update.exe", "rundll32", "true"),
        ("calc.exe", "cmd.exe", None, None),
        ("-", "cmd.exe", None, None),
    ],
)
def test_identity(original: str, image: str, identity: str | None, renamed: str | None) -> None:
    (frame,) = frames(SYSMON | {"Image": image, "OriginalFileName": original, "CommandLine": image})
    event = event_of(frame, {})
    assert (event.get("ProxyIdentity"), event.get("RenamedProxy")) == (identity, renamed)


@pytest.mark.parametrize("name", ["mshta", "powershell", "control", "bitsadmin"])
def test_an_extension_goes_once(name: str) -> None:
    """mshta.exe.exe is no mshta."""
    assert seen("mshta http://h/x.hta", image=f"C:\\{name}.exe.exe") is None


# ---- hostile lines ----


@pytest.mark.parametrize("text", ['"', "%", "^", "&", "\\", "a ", '"a" ', "cmd /c ", "{", "for (", "\u2013", "=:"])
def test_long_and_odd(text: str) -> None:
    grammars = shipped_win_grammars()
    for name in ("cmd /c ", "rundll32 ", "powershell -c ", "odbcconf /a ", "mshta ", "wmic process call create "):
        for count in (1, 40_000 // len(text)):
            unwind_windows(grammars, Start(image=name.split()[0], command_line=name + text * count))


def test_a_chain_has_an_end() -> None:
    proxy = unwind_windows(shipped_win_grammars(), Start(image="cmd", command_line="cmd /c " * 40 + "calc"))
    assert proxy is not None
    assert proxy.chain == ("cmd",) * 16
    assert proxy.text.startswith("cmd /c ")

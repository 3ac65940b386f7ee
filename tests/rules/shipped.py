"""The shipped rules as files: what the tests and docs/rules.md are made from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sensor.rule_files import rule_files
from sensor.rule_lists import shipped_lists

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "rules.md"
LISTS = shipped_lists()
LEVELS = ("critical", "high", "medium", "low", "informational")
# What a rule leans on: its fields, told in a word.
LEANS = (
    ("payload", r"Payload(Image|CommandLine|Kind|Path|Url)$"),
    ("chain", r"Proxy(Chain|Depth|Function)$"),
    ("identity", r"ProxyIdentity|RenamedProxy|OriginalFileName"),
    (
        "trust",
        r"(Image|Payload)(Loaded)?(Trust|Package|Writable|Filesystem|Privilege|FirstSeen|Age|Owner)$|(Image|Payload)?Sign.*",
    ),
    ("writer", r"(Image|Payload)(Loaded)?(Writ(er|ten).*)$"),
    ("parent", r"Parent.*"),
    ("connection", r"Destination[A-Z].*|Protocol|Initiated|QueryName"),
    ("library", r"ImageLoaded(Memfd)?|CallTrace"),
    ("setting", r"TargetObject|Details"),
    ("script", r"ScriptBlockText|Destination"),
    ("file", r"TargetFilename"),
    ("rights", r"(Effective)?UserId|Image(Setuid|Memfd)"),
    ("program", r"(Source|Target)?Image|Script|CurrentDirectory"),
    ("arguments", r"CommandLine"),
)
# What facts/attack.md's analytics ask for: on which product, and the words above that answer it.
ANALYTICS = (
    ("AN0226", "windows", "external or suspicious payloads, by argument", {"payload", "arguments"}),
    ("AN0226", "windows", "the same by connection or name", {"connection"}),
    ("AN0226", "windows", "the same by library, with its signature", {"library"}),
    ("AN0226", "windows", "unexpected parents", {"parent"}),
    ("AN0226", "windows", "renamed and copied binaries", {"identity"}),
    ("AN0227", "linux", "trusted binaries in uncommon sequences or chains", {"chain"}),
    ("AN0227", "linux", "the malicious payload that they execute", {"payload"}),
    ("AN0227", "linux", "actions inconsistent with normal behaviour: connections", {"connection"}),
    ("DET0793", "", "unusual parents, unexpected children", {"parent"}),
    ("DET0793", "", "abnormal paths and file metadata", {"trust", "writer", "rights"}),
    ("DET0793", "", "trusted binaries are not left out: what they really are", {"identity"}),
    ("DET0793", "", "suspicious arguments", {"arguments"}),
)


@dataclass(frozen=True)
class Shipped:
    """One rule file, and the cases beside it."""

    path: Path
    rule: dict[str, Any]
    cases: dict[str, list[dict[str, Any]]]

    @property
    def product(self) -> str:
        """linux or windows."""
        return str(self.rule["logsource"]["product"])

    @property
    def techniques(self) -> list[str]:
        """T1218 and so on, as tagged."""
        return [tag.removeprefix("attack.").upper() for tag in self.rule["tags"] if tag.startswith("attack.t")]

    @property
    def leans_on(self) -> list[str]:
        """Words of LEANS for the fields of what it selects; what it filters out does not count."""
        detection = self.rule["detection"]
        named = [part for name, part in detection.items() if not name.startswith(("filter", "condition"))]
        fields = {search.split("|")[0] for part in named for search in searches(part)}
        if self.rule["logsource"]["category"] == "network_connection":
            fields.add("DestinationIp")
        return [word for word, pattern in LEANS if any(re.fullmatch(pattern, field) for field in fields)]

    @property
    def lists(self) -> list[str]:
        """The lists that it reads."""
        return [name for name in LISTS if f"%{name}%" in self.path.read_text()]


def searches(detection: Any) -> Iterator[str]:
    """Every `Field|modifier|...` below a detection."""
    for part in detection if isinstance(detection, list) else [detection]:
        if isinstance(part, dict):
            yield from part


def load(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader=yaml.CSafeLoader)


def shipped() -> list[Shipped]:
    """All rules below rules/, by path."""
    rules = rule_files([ROOT / "rules"])
    return [Shipped(path, load(path), load(path.with_suffix(".cases.yml"))) for path in sorted(rules)]


def by_level(rules: list[Shipped]) -> str:
    """`12 high, 3 low`."""
    counts = [(sum(item.rule["level"] == level for item in rules), level) for level in LEVELS]
    return ", ".join(f"{count} {level}" for count, level in counts if count)


def page() -> str:
    """docs/rules.md."""
    rules = shipped()
    cases = [len(item.cases[kind]) for item in rules for kind in ("positive", "negative")]
    lines = [
        "# Shipped rules",
        "Written by `WRITE_GOLDEN=1 pytest tests/rules` from the files below rules/; do not edit.",
        "",
        f"{len(rules)} rules ({by_level(rules)}) with {sum(cases)} cases beside them (`NAME.cases.yml`, run by",
        "`linsang rules test`); the known false positives of a rule are in its file. Low ones are context: they do not",
        "call for anybody by themselves.",
        "",
        "## Rules",
        "What a rule leans on: *payload* and *chain*: what was really run and through what; *identity*: the program by",
        "its content; *trust*: package, signature, rights, file system, first seen; *writer*: who wrote the file;",
        "*parent*, *connection* (and names looked up) and *rights* of the process; *library* that it loaded; *setting*",
        "that it changed; *script* text, PowerShell's or of a consumer of WMI; *file*: which it wrote; *program* and",
        "*arguments*: names and text.",
        "",
        "| level | rule | file | ATT&CK | leans on | lists |",
        "|---|---|---|---|---|---|",
    ]
    for item in sorted(rules, key=lambda item: (LEVELS.index(item.rule["level"]), item.path.name)):
        where = item.path.relative_to(ROOT)
        cells = (
            item.rule["level"],
            item.rule["title"],
            f"[{where.stem}](../{where})",
            " ".join(item.techniques),
            ", ".join(item.leans_on),
            ", ".join(item.lists),
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## By technique", "| technique | rules |", "|---|---|"]
    for technique in sorted({technique for item in rules for technique in item.techniques}):
        url = f"https://attack.mitre.org/techniques/{technique.replace('.', '/')}/"
        lines.append(f"| [{technique}]({url}) | {by_level([i for i in rules if technique in i.techniques])} |")
    lines += ["", "## By analytic", "| analytic | what it asks for | rules |", "|---|---|---|"]
    for analytic, product, what, words in ANALYTICS:
        of = [item for item in rules if product in ("", item.product) and words & set(item.leans_on)]
        lines.append(f"| {analytic} | {what} | {by_level(of)} |")
    lines += [
        "",
        "## Lists",
        "The analytics' mutable elements, one file each in [rules/lists](../rules/lists). A site changes a list by a",
        "file of the same name in /etc/linsang/lists.d: [operations](operations.md#lists).",
        "",
        "| list | values | rules that read it |",
        "|---|---|---|",
    ]
    for name, values in LISTS.items():
        lines.append(f"| {name} | {len(values)} | {by_level([i for i in rules if name in i.lists])} |")
    return "\n".join(lines) + "\n"

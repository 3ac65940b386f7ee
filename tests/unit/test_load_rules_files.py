"""Files of rules as they are found and read, whatever they are; filters, pipelines and placeholders."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sensor.compiler import Logsource, RuleSet, compile_table, load_rules
from sensor.errors import InputError, LinsangError
from sensor.reference import Reference
from sensor.rule_files import Reading

SOURCE = Logsource("linux", "process_creation", "")


def rule(n: int, detection: str, title: str = "rule", logsource: str = "{product: linux}") -> str:
    return f"title: {title}\nid: 00000000-0000-4000-8000-{n:012}\nlogsource: {logsource}\ndetection: {detection}\n"


ONE = rule(1, "{s: {A: x}, condition: s}", "one")
TWO = rule(2, "{s: {A: y}, condition: s}", "two")


def titles(ruleset: RuleSet) -> list[str]:
    return [each.info.title for each in ruleset.rules]


def faults(ruleset: RuleSet) -> list[str]:
    return [str(fault) for fault in ruleset.faults]


def fires(ruleset: RuleSet, event: dict[str, object]) -> list[str]:
    """Titles of the rules that `event` meets."""
    return [each.info.title for each, verdict in Reference(ruleset.rules).judge(event, SOURCE) if verdict]


# ---- files ----


def test_several_documents_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(f"---\n{ONE}---\n---\n{TWO}...\n")
    ruleset = load_rules([tmp_path])
    assert titles(ruleset) == ["one", "two"]
    assert [each.info.line for each in ruleset.rules] == [2, 8]


def test_what_is_broken_ends_its_file_only_where_yaml_ends(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(f"{ONE}---\ntitle: bad\n---\n{TWO}---\na: [\n")
    ruleset = load_rules([tmp_path])
    assert titles(ruleset) == ["one", "two"]
    first, second = faults(ruleset)
    assert ":6: " in first
    assert "no YAML" in second


def test_a_refused_rule_does_not_hold_its_id(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(rule(1, "{s: {A|x: y}, condition: s}"))
    (tmp_path / "b.yml").write_text(ONE)
    assert titles(load_rules([tmp_path])) == ["one"]


def test_the_same_id_in_other_letters(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(ONE.replace("0000-0000", "abcd-0000"))
    (tmp_path / "b.yml").write_text(ONE.replace("0000-0000", "ABCD-0000"))
    (fault,) = faults(load_rules([tmp_path]))
    assert "b.yml:2" in fault
    assert f"the id is that of {tmp_path / 'a.yml'}:1" in fault


def test_a_file_given_twice_is_one(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(ONE)
    ruleset = load_rules([tmp_path, tmp_path / "a.yml", tmp_path])
    assert titles(ruleset) == ["one"]
    assert faults(ruleset) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a link needs a privilege there")
def test_folders_that_are_links(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.yml").write_text(ONE)
    (tmp_path / "rules" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "rules")
    assert titles(load_rules([tmp_path / "rules"])) == ["one"]


@pytest.mark.skipif(os.name == "nt", reason="files of other kinds")
def test_what_is_no_file_is_one_fault_each(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(ONE)
    os.mkfifo(tmp_path / "fifo.yml")
    (tmp_path / "gone.yml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.yml").symlink_to(tmp_path / "loop.yml")
    (tmp_path / "device.yml").symlink_to("/dev/zero")
    (tmp_path / "memory.yml").symlink_to("/proc/self/mem")
    ruleset = load_rules([tmp_path])
    assert titles(ruleset) == ["one"]
    reasons = {fault.path.rpartition("/")[2]: fault.reason for fault in ruleset.faults}
    assert set(reasons) == {"fifo.yml", "gone.yml", "loop.yml", "device.yml", "memory.yml"}
    assert reasons["fifo.yml"] == reasons["device.yml"] == "not a regular file"


def test_an_empty_file_is_no_fault_and_no_rule(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(ONE)
    (tmp_path / "empty.yml").touch()
    (tmp_path / "comment.yml").write_text("# nothing\n")
    ruleset = load_rules([tmp_path])
    assert (titles(ruleset), faults(ruleset)) == (["one"], [])


def test_a_folder_without_rules(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(InputError, match=r"no rules; .*\.yml"):
        load_rules([tmp_path])


def test_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"\xef\xbb\xbf" + ONE.encode())
    assert titles(load_rules([tmp_path])) == ["one"]


def test_where_a_file_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"title: a\nauthor: J\xf6rg\n")
    (fault,) = faults(load_rules([tmp_path]))
    assert fault.startswith(f"{tmp_path / 'a.yml'}:2: not UTF-8 at byte 18")


# ---- many files, by several processes ----


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Of all kinds, more than one process reads."""
    for n in range(500):
        (tmp_path / f"{n:03}.yml").write_text(
            rule(n, f"{{s: {{A|re: 'x{n % 7}.*y$', B|contains: [a{n}, b]}}, condition: s}}")
        )
    (tmp_path / "100.yml").write_text(rule(7, "{s: {A: x}, condition: s}"))  # an id that stands in another part
    (tmp_path / "200.yml").write_text("a: [")
    (tmp_path / "300.yml").write_text(rule(300, "{s: {A|re: '(?=x)'}, condition: s}"))
    (tmp_path / "zz.yml").write_text(FILTER.format(rules="any", condition="not adm", logsource="{product: linux}"))
    return tmp_path


SEVERAL = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="one process reads"
)


@SEVERAL
def test_how_many_processes_compile_makes_no_difference(many: Path) -> None:
    together, processors = load_rules([many]), os.sched_getaffinity(0)
    table = compile_table(together).bytes
    os.sched_setaffinity(0, {min(processors)})
    try:
        alone = load_rules([many])
        assert compile_table(alone).bytes == table
    finally:
        os.sched_setaffinity(0, processors)
    assert len(alone.rules) == 497
    assert [str(fault).partition(": ")[0] for fault in alone.faults] == [
        f"{many / '100.yml'}:2", f"{many / '200.yml'}:1", f"{many / '300.yml'}:4"
    ]  # fmt: skip
    assert faults(together) == faults(alone)
    assert [(each.info, each.condition) for each in together.rules] == [(e.info, e.condition) for e in alone.rules]


@SEVERAL
def test_a_reading_process_that_is_killed_is_an_error_and_no_hang(many: Path) -> None:
    def kill(done: int, total: int) -> None:
        if not done:
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                os.kill(int(pid), signal.SIGKILL)

    with pytest.raises(LinsangError, match="killed"):
        load_rules([many], kill)


ABANDONED = """\
import os
import time
from sensor.compiler.workers import spread

def work(part: int) -> None:
    os.write(1, b"%d\\n" % part)  # at once: what print writes may be torn
    time.sleep(600)

list(spread(work, [1, 2], many=True))
"""


@SEVERAL
def test_processes_of_one_that_is_killed_end() -> None:
    with subprocess.Popen([sys.executable, "-c", ABANDONED], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        begun = {child.stdout.readline(), child.stdout.readline()}
        child.kill()
        assert begun == {"1\n", "2\n"}
        assert child.communicate(timeout=240)[0] == ""  # at the end of those that have it


# ---- filters ----

FILTER = """\
title: f
logsource: {logsource}
filter: {{rules: {rules}, adm: {{U|startswith: adm_}}, condition: {condition}}}
"""
FILTERS = [  # rules, condition, log source; who still alerts on adm_eve, who on eve
    ("any", "not adm", "{product: linux}", ([], ["one", "three"])),
    ("[any]", "not adm", "{product: linux}", ([], ["one", "three"])),
    ("00000000-0000-4000-8000-000000000001", "not adm", "{product: linux}", (["three"], ["one", "three"])),
    ("[00000000-0000-4000-8000-000000000001]", "not 1 of adm*", "{product: linux}", (["three"], ["one", "three"])),
    ("[by_name]", "not 1 of them", "{product: linux}", (["one"], ["one", "three"])),
    ("any", "adm", "{product: linux}", (["one", "three"], [])),
    ("any", "not adm", "{product: windows}", (["one", "three"], ["one", "three"])),
    ("any", "not adm", "{product: linux, category: file_event}", (["one", "three"], ["one", "three"])),
]


@pytest.mark.parametrize(("rules", "condition", "logsource", "left"), FILTERS)
def test_filters(tmp_path: Path, rules: str, condition: str, logsource: str, left: tuple[list[str], list[str]]) -> None:
    (tmp_path / "0.yml").write_text(FILTER.format(rules=rules, condition=condition, logsource=logsource))
    (tmp_path / "a.yml").write_text(ONE)
    (tmp_path / "b.yml").write_text(rule(3, "{s: {A: x}, adm: {Z: z}, condition: s}\nname: by_name", "three"))
    ruleset = load_rules([tmp_path])
    assert faults(ruleset) == []
    assert fires(ruleset, {"A": "x", "U": "ADM_eve"}) == left[0]
    assert fires(ruleset, {"A": "x", "U": "eve"}) == left[1]


BROKEN_FILTERS = [
    ("rules: [nobody], s: {A: b}, condition: s", 3, "no rule that is loaded has the id or name nobody"),
    ("s: {A: b}, condition: s", 3, "which rules it filters"),
    ("rules: 5, s: {A: b}, condition: s", 3, "which rules it filters"),
    ("rules: any, s: {A: b}", 3, "condition is missing"),
    ("rules: any, condition: s", 3, "defines no search identifier"),
    ("rules: any, s: {A: b}, condition: [s, s]", 3, "one condition"),
    ("rules: any, s: {A|x: b}, condition: s", 3, "`x` is not known"),
]


@pytest.mark.parametrize(("text", "line", "reason"), BROKEN_FILTERS)
def test_broken_filters(tmp_path: Path, text: str, line: int, reason: str) -> None:
    (tmp_path / "a.yml").write_text(f"title: f\nlogsource: {{product: linux}}\nfilter: {{{text}}}\n")
    (tmp_path / "b.yml").write_text(ONE)
    ruleset = load_rules([tmp_path])
    assert titles(ruleset) == ["one"]
    (fault,) = faults(ruleset)
    assert reason in fault
    assert fault.startswith(f"{tmp_path / 'a.yml'}:{line}")


def test_a_filter_with_a_broken_condition_filters_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(FILTER.format(rules="any", condition="not oops", logsource="{product: linux}"))
    (tmp_path / "b.yml").write_text(ONE)
    ruleset = load_rules([tmp_path])
    assert titles(ruleset) == ["one"]
    (fault,) = faults(ruleset)
    assert "a.yml:3" in fault
    assert "`oops`" in fault


# ---- pipelines ----


def pipeline(folder: Path, name: str, transformation: str, priority: int = 1) -> str:
    path = folder / f"{name}.yml"
    path.write_text(f"name: {name}\npriority: {priority}\ntransformations:\n  - {{id: t, {transformation}}}\n")
    return str(path)


PIPELINES = [
    ("type: field_name_mapping, mapping: {A: B}", {"B": "x"}, True),
    ("type: field_name_mapping, mapping: {A: [B, C]}", {"C": "x"}, True),
    ("type: field_name_prefix, prefix: p.", {"p.A": "x"}, True),
    ("type: add_condition, conditions: {B: y}", {"A": "x"}, False),
    ("type: add_condition, conditions: {B: y}", {"A": "x", "B": "y"}, True),
    ("type: replace_string, regex: x, replacement: z", {"A": "z"}, True),
    ("type: change_logsource, product: linux, category: process_creation", {"A": "x"}, True),
]


@pytest.mark.parametrize(("transformation", "event", "met"), PIPELINES)
def test_pipelines(tmp_path: Path, transformation: str, event: dict[str, object], met: bool) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yml").write_text(ONE)
    reading = Reading((pipeline(tmp_path, "p", transformation),))
    assert fires(load_rules([tmp_path / "rules"], reading=reading), event) == (["one"] if met else [])


def test_pipelines_work_by_priority_and_on_filters(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "rules" / "a.yml").write_text(ONE)
    (tmp_path / "rules" / "f.yml").write_text(
        FILTER.format(rules="any", condition="not adm", logsource="{product: linux}")
    )
    pipeline(tmp_path / "pipelines", "late", "type: field_name_prefix, prefix: p.", 20)
    pipeline(tmp_path / "pipelines", "early", "type: field_name_mapping, mapping: {A: B, U: User}", 10)
    ruleset = load_rules([tmp_path / "rules"], reading=Reading((str(tmp_path / "pipelines"),)))
    assert fires(ruleset, {"p.B": "x"}) == ["one"]
    assert fires(ruleset, {"p.B": "x", "p.User": "adm_eve"}) == []


def test_a_pipeline_that_refuses_a_rule(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yml").write_text(ONE)
    reading = Reading((pipeline(tmp_path, "p", "type: rule_failure, message: not here"),))
    (fault,) = faults(load_rules([tmp_path / "rules"], reading=reading))
    assert "not here" in fault


def test_a_pipeline_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(ONE)
    for spec in (pipeline(tmp_path, "p.", "type: nonsense"), str(tmp_path / "gone.yml"), "not_installed"):
        with pytest.raises(LinsangError, match="pipeline"):
            load_rules([tmp_path / "a.yml"], reading=Reading((spec,)))


def test_a_placeholder_by_a_pipeline(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yml").write_text(ONE.replace("A: x", "A|expand: '%who%'"))
    path = tmp_path / "p.yml"
    path.write_text("name: p\nvars: {who: [eve, adam]}\ntransformations:\n  - {id: t, type: value_placeholders}\n")
    ruleset = load_rules([tmp_path / "rules"], reading=Reading((str(path),)))
    assert fires(ruleset, {"A": "adam"}) == ["one"]
    assert ruleset.rules[0].info.unfilled == ()


# ---- placeholders ----


def test_placeholders_without_a_value_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(ONE.replace("A: x", "A|expand: ['%who%', '%known%', 'x%when%y']"))
    ruleset = load_rules([tmp_path], reading=Reading(expand={"known": ("k",)}))
    assert faults(ruleset) == []
    assert ruleset.rules[0].info.unfilled == ("when", "who")
    assert fires(ruleset, {"A": "k"}) == ["one"]
    assert fires(ruleset, {"A": "%who%"}) == []

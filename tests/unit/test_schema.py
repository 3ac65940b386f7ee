"""The schema is what fields.def says, and docs/schema.md is what the schema says."""

from pathlib import Path

from sensor import schema
from sensor.native import ffi

ROOT = Path(__file__).resolve().parents[2]
STRUCTS = {
    "ETW": "etw",
    "LINE": "line",
    "FILE": "file",
    "EXEC": "exec",
    "PROCESS": "exec",
    "FORK": "fork",
    "EXIT": "exit",
    "LOSS": "loss",
    "LOAD": "load",
}


def test_docs_are_generated() -> None:
    assert (ROOT / "docs" / "schema.md").read_text("utf-8") == schema.markdown(), (
        "python -m sensor.schema > docs/schema.md"
    )


def test_offsets_are_those_of_the_structs() -> None:
    for field in schema.fields():
        if field.derived or field.kind == "FLAG":
            continue
        struct = ffi.typeof(f"struct sn_{STRUCTS.get(field.type, 'connect')}")
        member = dict(struct.fields)[field.member]
        assert (field.offset, field.size) == (member.offset, ffi.sizeof(member.type)), field


def test_names_are_unique() -> None:
    for category in schema.CATEGORIES.values():
        type_ = next(t for t, c in schema.CATEGORIES.items() if c == category)
        names = [f.sigma for f in schema.fields() if f.type == type_ and f.sigma]
        assert len(names) == len(set(names)), category
    # PROCESS adds to EXEC, RESULT to CONNECT
    for types in ({"EXEC", "PROCESS"}, {"CONNECT", "RESULT"}, {"FORK"}, {"EXIT"}, {"LOSS"}):
        names = [f.json for f in schema.fields() if f.type in types and not f.derived]
        assert len(names) == len(set(names)), types


def test_rules_of_a_category() -> None:
    fields = schema.sigma_fields("process_creation")
    assert {"Image", "CommandLine", "ParentImage", "ParentCommandLine", "User", "ProcessId"} <= set(fields)
    assert fields["ParentImage"].derived
    assert schema.sigma_fields("no_such") == {}

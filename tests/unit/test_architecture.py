"""The arrows of docs/DESIGN.md, the sizes of files and functions, words that mean unfinished work, and what documents
point at."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from sensor import _build

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "sensor"

# ---- Python: a module may import from the rows above its own; the modules of one row do not know one another ----
LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(row.split())
    for row in (
        "escape system closing",
        "errors _native paths interruption mountinfo doors orders streams systemd",
        "rule_lists",
        "settings rule_files terminal folders priority",
        "native config encode when units event_json rollup health progress pace runtime clock",
        "rule_cache recording source host checks",
        "schema proxy render alert_files record_lines insight loaded_rules taxonomy",
        "sources windows compiler alert sinks inputs alert_follow enrich",
        "reference rule_compiler live coverage",
        "reference_events live_processes context facts_of_files outputs",
        "daemon alerts tree replay record dump doctor doctor_windows selftest "
        "status trust unwind rules_cli arguments service_command",
        "alert_commands rules_command service_main",
        "cli",
        "__main__",
    )
)
# Outside libraries that only one room may import, so that nobody else pays for them.
LIBRARY_OWNERS = {
    "sensor._native": {"native"},
    "sigma": {"compiler"},
    "yaml": {"compiler", "rules_cli"},
    "pyroute2": {"sources"},
    "bcc": {"sources"},
    "cffi": {"_build"},
    "evtx": {"inputs"},
    "etw": {"windows"},
}

# ---- C ----
PORTABLE_HEADERS = {
    *("errno.h", "limits.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h"),
    *("unistd.h", "emmintrin.h", "immintrin.h", "malloc.h"),
}
ONE_SYSTEM = {*_build.ONLY, "file_handles.h"}
GENERATED = {"kernel.h"}  # by the loader, from the running kernel's BTF

# ---- sizes: lines a file, lines a function; each exception with its reason ----
FILE_LINES = {".c": 400, ".h": 400, ".py": 400, "probes": 200}
FUNCTION_LINES = 60
LARGER_FILES: dict[str, str] = {}
LARGER_FUNCTIONS: dict[str, str] = {}

UNFINISHED = re.compile(r"\b([T]ODO|[F]IXME|[X]XX|[H]ACK)\b")


def python_files(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def c_files(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.[ch]") if path.name != "_native.c")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    """`sources` for sensor/sources/kernel.py, `alert` for sensor/alert.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imports(path: Path) -> frozenset[str]:
    """Dotted names that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}:{node.lineno}: relative import"
            module = node.module or ""
            found.add(module)
            if module == "sensor":
                found.update(f"sensor.{alias.name}" for alias in node.names)
    return frozenset(found)


def layer(room: str) -> int:
    for number, row in enumerate(LAYERS):
        if room in row:
            return number
    pytest.fail(f"sensor/{room} has no place in LAYERS")


MODULES = [p for p in python_files("sensor") if p.name != "_build.py" and p != PACKAGE / "__init__.py"]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_point_down(path: Path) -> None:
    own = room_of(path)
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "sensor" and len(parts) > 1 and parts[1] != own:
            assert layer(parts[1]) < layer(own), f"{name(path)} imports {module}"


@pytest.mark.parametrize("path", python_files("sensor"), ids=name)
def test_libraries_stay_with_their_owner(path: Path) -> None:
    for module in imports(path):
        for library, owners in LIBRARY_OWNERS.items():
            if module == library or module.startswith(library + "."):
                assert room_of(path) in owners, f"{name(path)} imports {module}"


def test_starting_the_command_line_loads_no_rule_compiler() -> None:
    """What the daemon does not need while it runs is imported where it is used, not at the top of a file."""
    heavy = {"sigma", "yaml", "pyroute2", "bcc"}
    for path in python_files("sensor"):
        if room_of(path) in {"compiler", "sources"}:
            continue
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
                assert module.split(".")[0] not in heavy, f"{name(path)} imports {module} at its top"


# ---- #include ----
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)


def included(path: Path) -> Iterator[tuple[str, bool]]:
    """Names that a C file includes, and whether in quotes."""
    for own, system in INCLUDE.findall(path.read_text()):
        yield (own or system, bool(own))


@pytest.mark.parametrize("path", c_files("native"), ids=name)
def test_native_includes_native_and_libc_only(path: Path) -> None:
    for header, quoted in included(path):
        if quoted:
            assert (ROOT / "native" / header).is_file(), f"{name(path)} includes {header} from elsewhere"
        elif path.name not in ONE_SYSTEM:
            assert header in PORTABLE_HEADERS, f"{name(path)} includes <{header}>"


@pytest.mark.parametrize("path", c_files("probes"), ids=name)
def test_probes_include_probes_and_event_h_only(path: Path) -> None:
    for header, quoted in included(path):
        if quoted:
            assert (path.parent / header).is_file() or header in {"event.h", *GENERATED}, (
                f"{name(path)} includes {header}"
            )


def test_includes_have_no_cycle() -> None:
    graph = {p.name: [h for h, quoted in included(p) if quoted] for p in c_files("native")}
    done: set[str] = set()

    def visit(header: str, way: tuple[str, ...]) -> None:
        assert header not in way, " -> ".join([*way, header])
        if header not in done:
            for further in graph.get(header, []):
                visit(further, (*way, header))
            done.add(header)

    for header in graph:
        visit(header, ())


def test_event_h_stands_alone() -> None:
    assert [header for header, _ in included(ROOT / "native" / "event.h")] == ["stdint.h"]


# ---- sizes ----
def c_functions(text: str) -> Iterator[tuple[str, int]]:
    """Name and lines of each function: in our format its body starts and ends with a brace in the first column."""
    lines = text.splitlines()
    start = None
    for number, line in enumerate(lines):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            head = start - 1
            while head > 0 and lines[head - 1] and not lines[head - 1].startswith(("/", "#", "}", " *")):
                head -= 1
            found = re.search(r"(\w+)\(", " ".join(lines[head:start]))
            yield (found[1] if found else lines[start - 1], number - start + 2)
            start = None


def python_functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield node.name, node.end_lineno - node.lineno + 1


SIZED = python_files("sensor", "bench", "tests") + c_files("native", "probes", "tests")


@pytest.mark.parametrize("path", SIZED, ids=name)
def test_file_size(path: Path) -> None:
    limit = FILE_LINES["probes"] if path.is_relative_to(ROOT / "probes") else FILE_LINES[path.suffix]
    lines = len(path.read_text().splitlines())
    assert lines <= limit or name(path) in LARGER_FILES, f"{name(path)} has {lines} lines, {limit} are allowed"


@pytest.mark.parametrize("path", SIZED, ids=name)
def test_function_size(path: Path) -> None:
    found = python_functions(path) if path.suffix == ".py" else c_functions(path.read_text())
    for function, lines in found:
        where = f"{name(path)}:{function}"
        assert lines <= FUNCTION_LINES or where in LARGER_FUNCTIONS, f"{where} has {lines} lines"


def test_exceptions_are_needed() -> None:
    sizes = {name(path): len(path.read_text().splitlines()) for path in SIZED}
    assert all(sizes.get(path, 0) > FILE_LINES[Path(path).suffix] for path in LARGER_FILES)
    assert all(LARGER_FILES.values())
    assert all(LARGER_FUNCTIONS.values())


# ---- words ----
def test_nothing_is_marked_unfinished() -> None:
    files = SIZED + [path for room in ("docs", "packaging", "rules") for path in (ROOT / room).rglob("*")]
    marked = [
        f"{name(path)}:{number}"
        for path in files
        if path.is_file()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not marked


def test_modules_of_tests_have_names_of_their_own() -> None:
    """pytest imports them by their bare names, whatever folder they lie in."""
    modules = Counter(path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py")
    assert not [module for module, times in modules.items() if times > 1]


# ---- documents ----
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        file, _, section = link.partition("#")
        if "://" in link:
            continue
        target = path.parent / file if file else path
        assert target.exists(), f"{name(path)} points at {file}"
        if section:
            heads = re.findall(r"^#+ (.+)$", target.read_text(), re.M)
            assert section in [head.lower().replace(" ", "-") for head in heads], f"{name(path)} points at {link}"


def test_every_make_target_that_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for path in DOCUMENTS:
        named = set(re.findall(r"`(?:sudo )?make ([a-z-]+)", path.read_text()))
        assert named <= targets, f"{name(path)} names {named - targets}"


def test_the_design_names_every_module() -> None:
    parts = (ROOT / "docs" / "DESIGN.md").read_text().partition("## Parts, in Python")[2]
    named = set(re.findall(r"\w+", parts))
    assert not [name(path) for path in MODULES if path.stem not in {*named, "__init__", "__main__"}]

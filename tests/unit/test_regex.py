"""Regular expressions of rules: the automata against Python's own `re`, in linear time."""

import ctypes
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.compiler import regex

NATIVE = Path(__file__).resolve().parents[2] / "native"
SCRATCH = 4 * 4096 + 2 * 2 * 4096 + 8  # sizeof(struct sn_regex_scratch)
NO, YES, BUDGET = 0, 1, 2

Search = Callable[[bytes, str], int]


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Search:
    library = tmp_path_factory.mktemp("regex") / "regex.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O2", "-std=c11", f"-I{NATIVE}", "-o", library, NATIVE / "regex.c"], check=True
    )
    lib = ctypes.CDLL(str(library))

    def run(blob: bytes, text: str) -> int:
        held = ctypes.create_string_buffer(blob, len(blob))
        assert lib.sn_regex__check(held, ctypes.c_size_t(len(blob))) == 0
        raw = text.encode("utf-8", "surrogateescape")
        scratch = ctypes.create_string_buffer(SCRATCH)
        return int(lib.sn_regex__search(held, raw, ctypes.c_size_t(len(raw)), scratch))

    return run


LONG_S = "\u017f"  # lower-cases to itself, folds with s
PLAIN = ["a", "b", "k", "K", "é", LONG_S, r"\d", r"\w", r"\s", ".", "[a-c]", "[^ab]", r"\b", r"\B", "^", "$", r"\n"]
FLAGGED = [r"\A", r"\Z", "(?i:k)", f"(?i:{LONG_S})", "(?i:[a-k])", "(?i:[^s])", "(?m:^)", "(?m:$)", "(?s:.)", r"[\W_]"]
FLAGGED += [r"(?a:\w)", r"(?a:[^\d_])", r"(?a:\S)", "(?ai:k)", f"(?ai:{LONG_S})", "(?ai:[^s])", r"(?a:(?u:\w)\W)"]
ATOMS = st.sampled_from(PLAIN) | st.sampled_from(FLAGGED)
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?", "{0,2}?"])),
    ),
    max_leaves=8,
)
TEXTS = st.text(alphabet=f"abkKs{LONG_S}éÉ\nK _1\udc80\u2028😀", max_size=7)


@given(pattern=PATTERNS, texts=st.lists(TEXTS, min_size=1, max_size=5), states=st.sampled_from([0, regex.DFA_STATES]))
def test_agrees_with_re(search: Search, pattern: str, texts: list[str], states: int) -> None:
    """Both machines: 0 states allowed makes every pattern an NFA."""
    blob = regex.compile_regex(pattern, dfa_states=states)
    for text in texts:
        assert search(blob, text) == int(re.search(pattern, text) is not None), (pattern, text)


@pytest.mark.parametrize(
    "pattern",
    [r"-(W|R)\s?'", r"\s[a0]{3}\s", r"-a|--0", r"-$", r"(?m:-$)", r"\b-W", r"[^-]-R", r"-é", r"--?\udc80", r"0.{3}0-W"],
)
def test_what_is_passed_over_changes_nothing(search: Search, pattern: str) -> None:
    """Texts of more places than are looked at together."""
    draw, blob = random.Random(pattern), regex.compile_regex(pattern)
    for _ in range(600):
        alphabet = draw.choice(["xyz -", "x-W0", "--Waé\n", "ax0 \udc80'R-"])
        text = "".join(draw.choices(alphabet, k=draw.randrange(15, 70)))
        assert search(blob, text) == int(re.search(pattern, text) is not None), (pattern, text)


@pytest.mark.parametrize(
    "pattern", [r"(a+)+$", r"(a|aa)+$", r"(?:a|a?)+b", r"(.*)*x", r"(\w+\s?)+!$", r"a{0,50}a{50}$"]
)
@pytest.mark.parametrize("states", [0, regex.DFA_STATES])
def test_catastrophic_patterns_end(search: Search, pattern: str, states: int) -> None:
    text = "a" * 32767 + "?"
    assert search(regex.compile_regex(pattern, dfa_states=states), text) in {NO, BUDGET}


def test_an_nfa_stops_at_its_budget(search: Search) -> None:
    blob = regex.compile_regex(r"a.{400}b.{400}c", dfa_states=0)
    assert search(blob, "a" * 32768) == BUDGET


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"a(?=b)", "look-around"),
        (r"(?<!a)b", "look-around"),
        (r"(a)\1", "back-reference"),
        (r"(?a)\bx", "the flag a"),
        ("[[:alpha:]]", "`\\[:alpha:\\]` is a class of POSIX"),
        ("[^x[:^digit:]_]+", "a class of POSIX"),
        (r"(?>ab)", "atomic"),
        (r"a++", "possessive"),
        (r"(a)?(?(1)b|c)", "conditional"),
        (r"(?:a{1,100}){1,100}", "positions"),
    ],
)
def test_what_is_no_regular_expression_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(regex.Unsupported, match=reason):
        regex.compile_regex(pattern)


@given(data=st.data())
def test_flipped_blobs_never_read_out_of_bounds(search: Search, data: st.DataObject) -> None:
    """A blob that passes the check may answer anything, but must answer."""
    blob = bytearray(regex.compile_regex(r"\bfoo.*(?i:bar)$", dfa_states=data.draw(st.sampled_from([0, 2000]))))
    at = data.draw(st.integers(4, len(blob) - 1))
    blob[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        assert search(bytes(blob), "a foo bär BAR\n") in {NO, YES, BUDGET}
    except AssertionError:
        return  # refused by the check

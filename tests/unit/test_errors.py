"""The errors: one line each, with the remedy at the end."""

import pytest

from sensor import errors

CASES = [
    (errors.UsageError("no file given", "see linsang replay --help"), "no file given; see linsang replay --help"),
    (errors.ConfigError("a.toml:\n unknown key `rign`"), "a.toml: unknown key `rign`"),
    (errors.RuleError("r.yml", 4, "abc", "no condition", "add one"), "r.yml:4: rule abc: no condition; add one"),
    (errors.RuleError("r.yml", 0, "", "no YAML"), "r.yml: no YAML"),
    (errors.NativeError(12, "ring"), "ring: Cannot allocate memory"),
    (errors.Unsupported("BPF", "run as root"), "BPF is not supported here; run as root"),
    (errors.InputError("x.lrec", 40, "cut off"), "x.lrec at byte 40: cut off"),
    (errors.InputError("x.lrec", -1, "not a recording"), "x.lrec: not a recording"),
]


@pytest.mark.parametrize(("error", "text"), CASES)
def test_str_is_one_line(error: errors.LinsangError, text: str) -> None:
    assert str(error) == text


def test_attributes_say_where() -> None:
    error = errors.RuleError("r.yml", 4, "abc", "no condition", "add one")
    assert (error.path, error.line, error.rule_id, error.reason, error.remedy) == (
        "r.yml",
        4,
        "abc",
        "no condition",
        "add one",
    )
    assert issubclass(errors.UsageError, errors.LinsangError)


@pytest.mark.parametrize(
    ("word", "otherwise", "remedy"),
    [
        ("fiel", "see --help", "did you mean `file`?"),
        ("x", "see --help", "see --help"),
        ("x", "", "known are file, up"),
    ],
)
def test_nearest(word: str, otherwise: str, remedy: str) -> None:
    assert errors.nearest(word, ["file", "up"], otherwise) == remedy

"""What is given for a processing pipeline and is none: one line says so."""

from pathlib import Path

import pytest

from sensor.compiler.pipeline import open_pipeline
from sensor.errors import LinsangError

NONE = [
    (b"", "it is not a mapping"),
    (b"[]", "it is not a mapping"),
    (b"name", "it is not a mapping"),
    (b"name: caf\xe9", "not UTF-8 at byte 9"),
    (b"a: b: c", "mapping values are not allowed"),
    (None, "no file in the folder has a name that ends in .yml"),
]


@pytest.mark.parametrize(("content", "said"), NONE)
def test_no_pipeline(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "p.yml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(LinsangError, match=f"p.yml: no processing pipeline: {said}") as error:
        open_pipeline([str(path)])
    assert "\n" not in str(error.value)

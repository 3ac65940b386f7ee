"""The service's folder under ProgramData: whose it is, who may touch it."""

import ctypes
import sys
from pathlib import Path

import pytest

if sys.platform != "win32":
    pytest.skip("access lists are Windows': make test-windows", allow_module_level=True)

from sensor.errors import LinsangError
from sensor.windows import folders
from sensor.windows.folders import protect

EVERYTHING = 0x80000007  # owner, group, list, and that nothing is inherited


def as_text(descriptor: ctypes.c_void_p) -> str:
    """A security descriptor in SDDL, as Windows writes it."""
    text = ctypes.c_wchar_p()
    api = ctypes.WinDLL("advapi32")
    assert api.ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, 1, EVERYTHING, ctypes.byref(text), None)
    return text.value or ""


def test_made_with_rights_for_administrators_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAKE: CreateDirectoryW; wine makes Unix rights of a descriptor, so what it is given is looked at."""
    given: list[str] = []

    def create(path: str, attributes: object) -> int:
        given.append(as_text(ctypes.c_void_p(attributes._obj.descriptor)))  # type: ignore[attr-defined]
        return 1

    monkeypatch.setattr(folders._kernel, "CreateDirectoryW", create)
    protect(tmp_path / "Linsang")
    assert given == ["O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"]


def test_it_is_made(tmp_path: Path) -> None:
    protect(tmp_path / "Linsang")
    assert (tmp_path / "Linsang").is_dir()


@pytest.mark.parametrize("name", ["missing/Linsang", "file"])
def test_what_cannot_be_a_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LinsangError):
        protect(tmp_path / name)

"""Who else can change a file: lists as Windows writes them, read by Windows' own functions."""

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "win32":
    pytest.skip("access lists are Windows': make test-windows", allow_module_level=True)

from sensor.errors import LinsangError
from sensor.windows import access, folders
from sensor.windows.access import CHANGE, REPLACE, strangers_of
from sensor.windows.folders import check_program

USERS, EVERYONE, AUTHENTICATED, BOB = "S-1-5-32-545", "S-1-1-0", "S-1-5-11", "S-1-5-21-1-2-3-1001"
INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
# what Windows Server 2022 gives these folders
PROGRAM_FILES = (
    f"O:{INSTALLER}G:{INSTALLER}D:PAI(A;;FA;;;{INSTALLER})(A;CIIO;GA;;;{INSTALLER})(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;SY)"
    "(A;;0x1301bf;;;BA)(A;OICIIO;GA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(A;OICIIO;GA;;;CO)"
)
DRIVE = (
    f"O:{INSTALLER}G:{INSTALLER}D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)"
    "(A;CIIO;DC;;;BU)(A;OICIIO;GA;;;CO)"
)
PROGRAM_DATA = (
    "O:SYG:SYD:PAI(A;OICIIO;GA;;;CO)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)(A;CI;DCLCRPCR;;;BU)"
)
ROWS = [
    ("O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)", CHANGE, set()),
    (PROGRAM_FILES, CHANGE, set()),
    (DRIVE, REPLACE, set()),  # a new folder takes no old one's place
    (DRIVE, CHANGE, {USERS}),
    (PROGRAM_DATA, CHANGE, {USERS}),
    (PROGRAM_DATA, REPLACE, set()),
    ("O:BAG:BAD:(A;ID;FA;;;BA)(A;ID;0x1301bf;;;AU)", CHANGE, {AUTHENTICATED}),  # C:\Python311, made on a drive
    ("O:BAG:BAD:(A;ID;FA;;;BA)(A;ID;0x1301bf;;;AU)", REPLACE, {AUTHENTICATED}),
    (f"O:{BOB}G:BAD:(A;;FA;;;BA)", CHANGE, {BOB}),  # an owner can give himself any right
    (f"O:{BOB}G:BAD:(A;;FA;;;BA)", REPLACE, {BOB}),
    (f"O:BAG:BAD:(D;;FA;;;{BOB})(A;;FA;;;{BOB})", CHANGE, {BOB}),
    (f"O:BAG:BAD:(D;;FA;;;{BOB})(A;;FR;;;WD)", CHANGE, set()),
    ("O:BAG:BAD:(A;OICIIO;FA;;;WD)", CHANGE, set()),  # for what is made in it
    ("O:BAG:BAD:(A;;WD;;;WD)", CHANGE, {EVERYONE}),  # may write the list
    ("O:BAG:BAD:(A;;WO;;;BU)", REPLACE, {USERS}),
    ("O:BAG:BAD:(A;;SD;;;BU)", REPLACE, {USERS}),
    ("O:BAG:BAD:(A;;GW;;;BU)", REPLACE, {USERS}),
    ("O:BAG:BAD:(A;;FR;;;BU)(A;;FX;;;BU)", CHANGE, set()),
    ("O:BAG:BA", CHANGE, {EVERYONE}),  # no list is no limit
    ("O:BAG:BAD:", CHANGE, set()),  # an empty one is
    ("O:S-1-5-21-1-2-3-500G:BAD:(A;;FA;;;S-1-5-21-1-2-3-512)", CHANGE, set()),
    ("O:S-1-5-21-1-2-3-5000G:BAD:(A;;FA;;;S-1-5-21-1-2-3-513)", CHANGE, {"S-1-5-21-1-2-3-5000", "S-1-5-21-1-2-3-513"}),
]


@contextmanager
def described(text: str) -> Iterator[ctypes.c_void_p]:
    descriptor = ctypes.c_void_p()
    api = ctypes.WinDLL("advapi32")
    made = api.ConvertStringSecurityDescriptorToSecurityDescriptorW(
        ctypes.c_wchar_p(text), 1, ctypes.byref(descriptor), None
    )
    assert made, text
    yield descriptor


@pytest.mark.parametrize(("text", "rights", "found"), ROWS)
def test_strangers(text: str, rights: int, found: set[str]) -> None:
    with described(text) as descriptor:
        assert strangers_of(descriptor, rights) == found


def test_of_a_file_by_name(tmp_path: Path) -> None:
    """By the system's own answer: wine's one user owns what is made here, and nobody else may write it."""
    file = tmp_path / "file"
    file.write_text("x")
    assert access.strangers(file, CHANGE) == []
    with pytest.raises(FileNotFoundError):
        access.strangers(tmp_path / "none", CHANGE)


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """FAKE: the lists of files by their names; of the others Program Files' own."""
    given: dict[str, str] = {}

    @contextmanager
    def security(path: Path) -> Iterator[ctypes.c_void_p]:
        with described(given.get(str(path), PROGRAM_FILES)) as descriptor:
            yield descriptor

    monkeypatch.setattr(access, "_security", security)
    return given.update


PLACES = [Path(r"C:\Program Files\Python311\python.exe"), Path(r"C:\Program Files\Python311\Lib\site-packages\sensor")]
MODIFY = "O:BAG:BAD:(A;ID;FA;;;BA)(A;ID;0x1301bf;;;AU)"
PLANTED = [
    ("C:\\", DRIVE, True),
    ("C:\\", MODIFY, False),
    (r"C:\Program Files\Python311", MODIFY, False),
    (r"C:\Program Files\Python311\python.exe", f"O:{BOB}G:BAD:(A;;FA;;;BA)", False),
    (r"C:\Program Files\Python311\Lib\site-packages\sensor", PROGRAM_DATA, False),
    (r"C:\Program Files\Python311\Lib\site-packages", PROGRAM_DATA, True),  # that is asked as a place of its own
    (r"C:\Users\bob", MODIFY, True),
]


@pytest.mark.parametrize(("path", "text", "fine"), PLANTED)
def test_what_a_service_is_started_from(
    lists: Callable[[dict[str, str]], None], path: str, text: str, fine: bool
) -> None:
    lists({path: text})
    if fine:
        check_program(PLACES)
        return
    with pytest.raises(LinsangError, match=r"may be changed by .* install Python for all users") as refused:
        check_program(PLACES)
    assert str(refused.value).startswith(f"{path} may be changed by ")


# ---- the folder below ProgramData ----


def as_text(owner: object, acl: object) -> str:
    """Owner and list in SDDL."""
    api = ctypes.WinDLL("advapi32")
    descriptor = ctypes.create_string_buffer(40)
    assert api.InitializeSecurityDescriptor(descriptor, 1)
    assert api.SetSecurityDescriptorOwner(descriptor, owner, False)
    assert api.SetSecurityDescriptorDacl(descriptor, True, acl, False)
    text = ctypes.c_wchar_p()
    assert api.ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, 1, 5, ctypes.byref(text), None)
    return text.value or ""


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
    """FAKE: SetNamedSecurityInfoW; what it is given."""
    given: list[tuple[str, int, str]] = []

    def secure(path: str, *what: Any) -> int:
        _, parts, owner, _, acl, _ = what
        given.append((path, parts, as_text(owner, acl)))
        return 0

    monkeypatch.setattr(folders._api, "SetNamedSecurityInfoW", secure)
    return given


def test_an_open_folder_of_an_administrators_is_closed(
    tmp_path: Path, lists: Callable[[dict[str, str]], None], closed: list[tuple[str, int, str]]
) -> None:
    """As `mkdir` in an elevated prompt makes it; once, so that who was let in to read stays so."""
    folder = tmp_path / "Linsang"
    folder.mkdir()
    lists(
        {str(folder): "O:BAG:BAD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)"}
    )
    folders.protect(folder)
    assert closed == [(str(folder), 0x80000005, "O:BAD:(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)")]
    closed.clear()
    lists({str(folder): "O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FR;;;BU)"})
    folders.protect(folder)
    assert not closed


@pytest.mark.parametrize("name", ["linsang.toml", "rules.d", r"rules.d\mine.yml", r"cache\rules\x"])
def test_what_somebody_put_into_it_is_named(tmp_path: Path, lists: Callable[[dict[str, str]], None], name: str) -> None:
    folder = tmp_path / "Linsang"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_text("")
    lists({str(folder / name): f"O:{BOB}G:BAD:(A;;FA;;;BA)"})
    with pytest.raises(LinsangError, match="look what it is and who made it") as refused:
        folders.protect(folder)
    assert str(refused.value).startswith(f"{folder / name} may be changed by {BOB}; ")


def test_anothers_folder_is_not_taken(tmp_path: Path, lists: Callable[[dict[str, str]], None]) -> None:
    folder = tmp_path / "Linsang"
    folder.mkdir()
    lists({str(folder): f"O:{BOB}G:BAD:(A;;FA;;;BA)"})
    with pytest.raises(LinsangError, match=f"Linsang belongs to {BOB}"):
        folders.protect(folder)


@pytest.mark.parametrize("name", ["Linsang", r"Linsang\cache"])
def test_what_leads_elsewhere_is_not_followed(
    tmp_path: Path, lists: Callable[[dict[str, str]], None], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """FAKE: the attribute of a junction, which wine cannot make here."""
    (tmp_path / name).mkdir(parents=True)
    lstat = folders.os.lstat

    class Junction:
        st_file_attributes = 0x400

    monkeypatch.setattr(folders.os, "lstat", lambda path: Junction if Path(path) == tmp_path / name else lstat(path))
    with pytest.raises(LinsangError, match="leads elsewhere"):
        folders.protect(tmp_path / "Linsang")


@pytest.mark.parametrize(("elevated", "made"), [(True, True), (False, False)])
def test_a_command_makes_it_for_administrators_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elevated: bool, made: bool
) -> None:
    monkeypatch.setattr(folders, "is_administrator", lambda: elevated)
    folders.guard(tmp_path / "Linsang")
    assert (tmp_path / "Linsang").exists() == made


def test_nobody_heeds_a_folder_that_users_may_write(
    tmp_path: Path, lists: Callable[[dict[str, str]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "is_administrator", lambda: False)
    folder = tmp_path / "Linsang"
    folder.mkdir()
    folders.guard(folder)
    lists({str(folder): PROGRAM_DATA})
    with pytest.raises(LinsangError, match=r"may be changed by .* have an administrator remove it"):
        folders.guard(folder)


def test_a_closed_folder_is_no_trouble_to_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAKE: he may not read its list. What lies in an administrator's he does not see; what another user has him see,
    but not whose it is, he does not heed."""

    def denied(path: Path, rights: int) -> list[str]:
        raise PermissionError(13, "Access denied", str(path), 5)

    monkeypatch.setattr(folders, "is_administrator", lambda: False)
    monkeypatch.setattr(folders, "strangers", denied)
    folder = tmp_path / "Linsang"
    folder.mkdir()
    folders.guard(folder)
    (folder / "rules.d").mkdir()
    with pytest.raises(LinsangError, match="have an administrator remove it"):
        folders.guard(folder)

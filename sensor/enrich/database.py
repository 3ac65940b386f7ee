"""What a package manager's database can be asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple, Protocol


class Package(NamedTuple):
    """An installed package. `stamp` is another one when its files are."""

    name: str
    version: str | None
    stamp: str


class Record(NamedTuple):
    """What a package says of its file: `algorithm` of hashlib; `digest` in hexadecimal digits, empty: it says
    nothing."""

    algorithm: str
    digest: str


class Database(Protocol):
    """Of dpkg or rpm. Paths are absolute, with the links of this machine's folders followed. Packages go by a key that
    is the database's own. Any method may raise OSError for files that cannot be read."""

    name: str

    def stamp(self) -> tuple[int, ...]:
        """Another one after every change; cheap."""
        ...

    def busy(self) -> bool:
        """Whether packages are being changed, or a change was broken off: files and records need not fit one
        another."""
        ...

    def packages(self) -> dict[str, Package]:
        """All that are installed."""
        ...

    def paths(self, keys: Collection[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The files of each package."""
        ...

    def record(self, key: str, path: bytes) -> Record | None:
        """What the package says of the file at `path`; None: the file is not the package's."""
        ...

    def script_of(self, path: bytes) -> str | None:
        """The package whose maintainer script lies at `path`, empty where it is not known whose; None: it is no such
        script."""
        ...

    def close(self) -> None:
        """Gives descriptors back."""
        ...

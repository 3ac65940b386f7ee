"""Whether a file is as its package brought it.

packaged     it belongs to a package, by the package's own list, and its content has the digest that the package records
modified     it belongs to one, and its content is another; a configuration file that was edited, too
unpackaged   it belongs to none

There is no such fact where it belongs to a package that records no digest, is a maintainer script (no package records
those), or belongs to another system: a container's files are not ours (opening.other_system). It is late while packages
are being changed, as far as the change may concern the file, while a digest is being made, and where the file cannot be
read or is not the one any more that lies under its name.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from sensor.enrich.database import Package
from sensor.enrich.digests import Digests, Unreadable
from sensor.enrich.opening import OpenFile, other_system
from sensor.enrich.packages import Owner, Packages


class Trust(NamedTuple):
    """`late`: the empty ones are not known; `again`: they may be when they are asked for again."""

    trust: str | None = None
    package: str | None = None
    version: str | None = None
    late: bool = False
    again: bool = False


_SOON = Trust(late=True, again=True)
_NEVER_KNOWN = Trust(late=True)


def of_path(packages: Packages, path: str, ctime_ns: int) -> Trust:
    """Of a file that cannot be opened any more, which lay at `path`: it may have been no package's."""
    if packages.indexed(os.fsencode(path)):
        return _NEVER_KNOWN
    return _unpackaged(packages, path, ctime_ns)


def of_file(packages: Packages, digests: Digests, file: OpenFile, original: str) -> Trust:
    """Of an open file; `original`: where it is installed if it is a program that is, else empty."""
    path = os.fsencode(file.path)
    if file.root and other_system(file, packages.root):
        return Trust()
    script = packages.script_of(path)
    if script is not None:
        return Trust(package=script or None)
    owners = list(packages.owners(path)) or (list(packages.owners(os.fsencode(original))) if original else [])
    if file.deleted and (owners or packages.indexed(path)):
        return _NEVER_KNOWN
    if owners:
        return _against(packages, digests, file, owners)
    if other_system(file, packages.root):
        return Trust()
    return _unpackaged(packages, file.path, file.key.ctime_ns)


def _unpackaged(packages: Packages, path: str, ctime_ns: int) -> Trust:
    """Unpackaged, unless a package may be bringing or taking the file just now."""
    concerned = packages.is_new(ctime_ns) or packages.indexed(os.fsencode(path))
    return _SOON if concerned and not packages.settled() else Trust("unpackaged")


def _against(packages: Packages, digests: Digests, file: OpenFile, owners: list[Owner]) -> Trust:
    """By the packages' records, of which one has to fit."""
    package = owners[0].package
    recorded = [owner for owner in owners if owner.record.digest]
    if not recorded:
        return _named(packages, None, package, file)
    for owner in recorded:
        try:
            digest = digests.of(file.key, file.fd, owner.record.algorithm) if file.fd >= 0 else None
        except Unreadable:
            return Trust(None, package.name, package.version, late=True)
        if digest is None:
            return Trust(None, package.name, package.version, late=True, again=file.fd >= 0)
        if digest == owner.record.digest:
            return _named(packages, "packaged", owner.package, file)
    return Trust("modified", package.name, package.version) if packages.settled() else _SOON


def _named(packages: Packages, trust: str | None, package: Package, file: OpenFile) -> Trust:
    """The version of a package that is being brought is noted after its files."""
    if packages.is_new(file.key.ctime_ns) and not packages.settled():
        return Trust(trust, package.name, None, late=True, again=True)
    return Trust(trust, package.name, package.version)

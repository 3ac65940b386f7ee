"""What etw_layout.def reads and sessions ask for, against what Windows' manifests say (rows/etw_manifests.tsv)."""

from itertools import pairwise

import pytest
from etw_manifests import Column, Event, Row, events, guids, masks, read_columns, read_guids, read_rows

from sensor.windows.providers import OPTIONAL, Provider, plans

# A manifest's type: those that read it. What a number means (an address, a time) the manifests' types do not say.
TYPES = {
    "UInt16": {"U16", "PORT"},
    "UInt32": {"U32", "IP4"},
    "Int32": {"U32"},
    "UInt64": {"U64", "TIME"},
    "FILETIME": {"TIME"},
    "Pointer": {"PTR"},
    "SID": {"SID"},
    "AnsiString": {"ATEXT"},
    "UnicodeString": {"WTEXT", "WPATH"},
    "Boolean": {"BOOL"},
    "Binary": {"IP6", "BLOB"},
}
CHANNEL = 0x8000000000000000  # WINEVENT_KEYWORD of a provider's first channel, which dumps of manifests do not list
EVENTS = events()
ROWS = [row for row in read_rows() if row.provider in guids()]
ASKED = [(provider, identity) for plan in plans(OPTIONAL) for provider in plan.providers for identity in provider.ids]


def name_of(row: Row | Event) -> str:
    return f"{row.provider} {row.id} {row.first if isinstance(row, Row) else row.version}"


def of(row: Row) -> list[Event]:
    """What the manifests have for it."""
    found = [event for event in EVENTS if (event.provider, event.id) == (row.provider, row.id)]
    return [event for event in found if row.first <= event.version <= row.last]


def fits(written: tuple[Column, ...], read: list[Column]) -> bool:
    """The same columns in the same order; bytes that are captured bring their length."""
    blobs = {name for kind, name in read if kind == "BLOB"}
    lengths = {name for (_, name), (_, behind) in pairwise(written) if behind in blobs}
    wanted = [column for column in written if column[1] not in lengths]
    return [name for _, name in wanted] == [name for _, name in read] and all(
        kind in TYPES[written_kind] for (written_kind, _), (kind, _) in zip(wanted, read, strict=True)
    )


def test_providers_are_the_manifests() -> None:
    wanted = guids()
    assert {name: guid for name, guid in read_guids().items() if name in wanted} == wanted
    assert {provider.name: provider.guid for provider, _ in ASKED} == wanted


@pytest.mark.parametrize("event", EVENTS, ids=name_of)
def test_every_version_is_read_as_it_is_written(event: Event) -> None:
    rows = [row for row in ROWS if event in of(row)]
    assert any(fits(event.columns, read_columns(row.layout, event.version + row.plus)) for row in rows)


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_only_what_is_written_is_read(row: Row) -> None:
    written = of(row)
    assert {event.version for event in written} == set(range(row.first, row.last + 1))
    for version in range(row.first, row.last + 1):
        read = read_columns(row.layout, version + row.plus)
        assert any(fits(event.columns, read) for event in written if event.version == version)


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_versions_to_come_are_read_only_where_the_last_one_appended(row: Row) -> None:
    """And where a version always had the same columns."""
    versions = [event for event in EVENTS if (event.provider, event.id) == (row.provider, row.id)]
    before, last = ([None, *versions])[-2:]
    appended = not before or (before.version < last.version and before.columns == last.columns[: len(before.columns)])
    assert row.more == (appended and row.last == last.version)


@pytest.mark.parametrize("provider", {provider.name: provider for provider, _ in ASKED}.values(), ids=lambda p: p.name)
def test_keywords_bring_the_events_and_nothing_else(provider: Provider) -> None:
    """Of all sessions of one provider together: by every one of an id's keywords alone it would come."""
    known = masks(provider.name)
    brought: dict[int, int] = {}
    for plan in plans(OPTIONAL):
        for one in plan.providers:
            for identity in one.ids if one.name == provider.name else ():
                (words,) = {e.keywords for e in EVENTS if (e.provider, e.id) == (provider.name, identity)}
                brought[identity] = sum(known[word] for word in words) & one.keywords
                assert brought[identity] or not words
    asked = [one.keywords for plan in plans(OPTIONAL) for one in plan.providers if one.name == provider.name]
    needed = sum({mask for mask in brought.values() if mask})
    assert sum(asked) == needed or (needed, asked) == (0, [CHANNEL])

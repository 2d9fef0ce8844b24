"""Files that mean harm cost themselves, and nothing else: each is accounted for with a reason.

HOSTILE=FOLDER takes a folder of your own instead of the long test's.
"""

import os
from itertools import chain
from pathlib import Path

import pytest
from tests.library.accounting import Account, index_and_account
from tests.library.albums import album
from tests.library.hostile import Hostile, corpus, write

from albumen.library.home import Home

GROWTH = 50_000_000  # bytes that the parent may grow by, at most and at any time
EVERY = 12  # of the kinds with hundreds of files, every so many are in the short test


def account(folder: Path, place: Path, pack: Path, *, seconds: float) -> Account:
    warm = album(place / "warm", 40)
    return index_and_account(Home(place / "home"), folder, warm=warm, pack=pack, seconds=seconds)


def check(found: Account, files: dict[str, Hostile]) -> None:
    refused = {os.fsdecode(os.path.basename(path)): why for path, why in found.reasons.items()}
    assert found.missing == ()
    assert found.photos + found.skipped + found.failed == len(files)
    assert all(why.partition(": ")[2] for why in refused.values())
    assert {name: refused[name] for name in refused if files[name].good} == {}
    assert found.peak < GROWTH


def few(seed: int) -> list[Hostile]:
    """Some of every kind."""
    kinds: dict[str, list[Hostile]] = {}
    for file in corpus(seed, heavy=False):
        kinds.setdefault(file.kind, []).append(file)
    many = [files for files in kinds.values() if len(files) > 200]
    rest = [files for files in kinds.values() if len(files) <= 200]
    return [*chain(*rest), *chain(*(files[::EVERY] for files in many))]


def test_hostile_files_are_refused_with_a_reason_and_good_ones_among_them_found(
    tmp_path: Path, tiny_pack: Path
) -> None:
    files = write(tmp_path / "hostile", iter(few(0)))
    found = account(tmp_path / "hostile", tmp_path, tiny_pack, seconds=500)
    check(found, files)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_more_than_a_thousand_hostile_files_cost_only_themselves(
    tmp_path: Path, tiny_pack: Path
) -> None:
    if given := os.environ.get("HOSTILE"):
        found = account(Path(given), tmp_path, tiny_pack, seconds=3600)
        assert found.missing == ()
        assert found.peak < GROWTH
        return
    files = write(tmp_path / "hostile", corpus())
    assert len(files) > 1000
    check(account(tmp_path / "hostile", tmp_path, tiny_pack, seconds=3600), files)

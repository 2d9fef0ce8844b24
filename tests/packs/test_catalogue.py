"""Where packs are found."""

import os
import shutil
from pathlib import Path

import pytest

from albumen.packs import PackError, catalogue, manifest, open_pack


@pytest.fixture
def packs_dir(tiny_pack: Path, tmp_path: Path) -> Path:
    shutil.copytree(tiny_pack, tmp_path / "packs" / "tiny")
    shutil.copytree(tiny_pack, tmp_path / "packs" / "someone" / "colours")
    return tmp_path / "packs"


def test_installed_packs_are_listed_one_and_two_folders_deep(packs_dir: Path) -> None:
    found = catalogue.installed(packs_dir)
    assert [info.name for info in found] == ["someone/colours", "tiny"]
    assert all(info.manifest is not None and not info.shipped for info in found)


def test_a_damaged_pack_is_listed_with_its_problem(packs_dir: Path) -> None:
    (packs_dir / "tiny" / manifest.FILE).write_text("{")
    (packs_dir / "pipe").mkdir()
    os.mkfifo(packs_dir / "pipe" / manifest.FILE)
    problems = {info.name: info.problem for info in catalogue.installed(packs_dir)}
    assert problems["someone/colours"] is None
    assert "damaged" in str(problems["tiny"])
    assert "no plain file" in str(problems["pipe"])


def test_no_folder_of_packs_is_none_installed(tmp_path: Path) -> None:
    assert catalogue.installed(tmp_path / "nowhere") == []


def test_a_pack_is_found_by_name_and_by_folder(packs_dir: Path) -> None:
    assert catalogue.find("someone/colours", packs_dir) == packs_dir / "someone" / "colours"
    assert open_pack(packs_dir / "tiny").id == open_pack("tiny", packs_dir=packs_dir).id


@pytest.mark.parametrize("name", ["unheard-of", "", "../tiny", "a\nb"])
def test_an_unknown_name_is_answered_with_those_that_are_known(
    packs_dir: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a folder's name would do as well
    with pytest.raises(PackError, match="known: .*someone/colours, tiny"):
        catalogue.find(name, packs_dir / ".." / "packs")

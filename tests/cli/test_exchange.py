"""`albumen export` and `albumen import`: what scripts rely on."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def rosie(albumen, album: Path) -> Path:
    """A photo with two tags by hand."""
    assert albumen("tags", "add", album / "cat.png", "Rosie", "🏖️").code == 0
    return album / "cat.png"


def test_export_prints_json_in_ascii_and_says_how_much(albumen, rosie: Path) -> None:
    done = albumen("export")
    assert done.out.isascii()
    [tagged] = done.json["tags"]
    assert [one["tag"] for one in tagged["tags"]] == ["Rosie", "🏖️"]
    assert done.err == "2 decisions about tags of 1 photo and 0 decided pairs.\n"


def test_import_as_json_says_what_changed(
    albumen, rosie: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "decisions.json"
    assert albumen("export", file).code == 0
    assert json.loads(file.read_text("utf-8"))["version"] == 1
    monkeypatch.setenv("ALBUMEN_HOME", str(tmp_path / "new"))
    done = albumen("import", file, "--json")
    assert done.code == 0
    assert done.json == {"tags": 2, "pairs": 0, "vocabulary": "same", "waiting": 1}
    assert "not indexed yet" in albumen("import", file).err


def test_without_a_library_there_is_nothing_to_export(albumen, tmp_path: Path) -> None:
    done = albumen("export", tmp_path / "decisions.json")
    assert done.code == 3
    assert not (tmp_path / "decisions.json").exists()


def test_a_photo_is_neither_written_over_nor_taken_for_an_export(albumen, rosie: Path) -> None:
    before = rosie.read_bytes()
    for command in ("export", "import"):
        done = albumen(command, rosie)
        assert done.code == 2
        assert "no export of Albumen" in done.err
    assert rosie.read_bytes() == before


@pytest.mark.parametrize("arguments", [("import",), ("import", "nowhere.json")], ids=" ".join)
def test_nothing_to_import(albumen, album: Path, arguments: tuple[str, ...]) -> None:
    done = albumen(*arguments)
    assert done.code in (2, 3)
    assert len(done.err.splitlines()) == 1

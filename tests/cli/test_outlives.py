"""What a person decided outlives all that happens to a photo, one thing after the other."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from tests.library.albums import album as photos_in


def rate(photo: Path) -> None:
    """Write a rating into a file as photo managers do: new metadata, the same image data."""
    xmp = (
        b"http://ns.adobe.com/xap/1.0/\0"
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"/></rdf:RDF></x:xmpmeta>'
    )
    data = photo.read_bytes()
    photo.write_bytes(data[:2] + b"\xff\xe1" + (len(xmp) + 2).to_bytes(2, "big") + xmp + data[2:])
    with Image.open(photo) as image:
        image.load()


def test_a_tag_and_a_decision_outlive_everything(
    albumen, tmp_path: Path, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = photos_in(tmp_path / "photos", 3)
    one, other = photos / "photo-00000.jpg", photos / "photo-00001.jpg"
    albumen("index", photos, "--pack", tiny_pack, "--quiet")
    assert albumen("tags", "add", one, "Rosie", "🏖️").code == 0
    assert albumen("tags", "add", other, "red").code == 0
    assert albumen("tags", "remove", other, "red").code == 0
    assert albumen("duplicates", "decide", one, other, "--not-duplicates").code == 0

    # The folder moves, and files get other names.
    (tmp_path / "disk").mkdir()
    moved = Path(shutil.move(photos, tmp_path / "disk" / "album"))
    one = (moved / "photo-00000.jpg").rename(moved / "rosie.jpg")
    other = moved / "photo-00001.jpg"
    albumen("index", moved, "--quiet")
    check(albumen, one, other)

    # A rating is written into the files; they are indexed anew.
    for photo in (one, other):
        before = photo.read_bytes()
        rate(photo)
        assert photo.read_bytes() != before
    albumen("index", moved, "--quiet")
    check(albumen, one, other)

    # There and back again by the trash.
    [entry] = albumen("trash", one, "--json").json["trashed"]
    albumen("index", moved, "--quiet")
    albumen("trash", "restore", str(entry["id"]))
    check(albumen, one, other)

    # Exported, and imported into a new library, before and after its photos are indexed.
    assert albumen("export", tmp_path / "decisions.json").code == 0
    kept = decided(albumen)
    take = ("import", tmp_path / "decisions.json")
    index = ("index", moved, "--pack", tiny_pack, "--quiet")
    for number, steps in enumerate([(take, index), (index, take)]):
        monkeypatch.setenv("ALBUMEN_HOME", str(tmp_path / f"new-{number}"))
        for step in steps:
            assert albumen(*step).code == 0
        check(albumen, one, other)
        assert decided(albumen) == kept


def check(albumen, one: Path, other: Path) -> None:
    """The tags and the decision, as they were made."""
    document = json.loads(albumen("export").out)
    said = {
        tagged["path"]: {one["tag"]: one["has"] for one in tagged["tags"]}
        for tagged in document["tags"]
    }
    assert said == {str(one): {"Rosie": True, "🏖️": True}, str(other): {"red": False}}
    [pair] = document["pairs"]
    assert pair["verdict"] == "not-duplicates"
    assert sorted(pair["paths"]) == sorted([str(one), str(other)])
    shown = albumen("tags", "show", one, "--json").json
    assert {tag["tag"] for tag in shown if tag["by"] == "hand"} == {"Rosie", "🏖️"}
    assert "red" not in [tag["tag"] for tag in albumen("tags", "show", other, "--json").json]


def decided(albumen) -> dict[str, object]:
    """All that is exported, but for the time of it."""
    return {**json.loads(albumen("export").out), "exported": None}

"""`albumen packs`: what is listed, chosen and checked."""

from pathlib import Path

import pytest

from albumen.library.home import default


def test_a_pack_is_listed_with_what_scripts_and_people_ask_of_it(albumen, album: Path) -> None:
    (tiny,) = [pack for pack in albumen("packs", "list", "--json").json if pack["name"] == "tiny"]
    assert (tiny["kind"], tiny["dim"], tiny["in_use"]) == ("clip", 16, True)
    assert tiny["architecture"] == "colours of 4x4 places"
    assert tiny["licence"]["id"] == "CC0-1.0"
    assert {"precision", "figures", "sources", "size"} <= tiny.keys()
    words = albumen("packs", "list", "--verbose")
    assert words.code == 0
    assert "* tiny" in words.out
    assert "licence CC0-1.0: made by a test" in words.out


def test_verbose_says_what_the_starter_cannot_do(albumen, album: Path) -> None:
    told = [line.strip() for line in albumen("packs", "list", "--verbose").out.splitlines()]
    limits = [line for line in told if line.startswith("limit: ")]
    for word in ("count", "left from right", "text in a picture", "face by name", "Rare objects"):
        assert any(word in line for line in limits)
    assert "limit: " not in albumen("packs", "list").out


def test_a_pack_that_cannot_be_read_is_listed_with_the_reason(albumen, album: Path) -> None:
    folder = default().packs / "broken"
    folder.mkdir()
    (folder / "pack.json").write_text('{"format": 9}')
    listed = {pack["name"]: pack for pack in albumen("packs", "list", "--json").json}
    assert "newer Albumen" in listed["broken"]["problem"]
    assert listed["tiny"]["problem"] is None
    assert "newer Albumen" in albumen("packs", "list").out


def test_packs_are_listed_beside_a_damaged_library(albumen, album: Path) -> None:
    default().db.write_bytes(b"not a database" * 1000)
    done = albumen("packs", "list", "--json")
    assert done.code == 0
    assert "tiny" in {pack["name"] for pack in done.json}


def test_the_pack_in_use_is_kept(
    albumen, album: Path, tiny_pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_pack.parent)
    done = albumen("packs", "use", f"./{tiny_pack.name}")
    monkeypatch.chdir(tmp_path)
    assert done.code == 0
    assert "is in use from now on" in done.out
    assert albumen("search", "red", "--json").json["pack"] == "tiny"
    done = albumen("packs", "use", "unheard-of")
    assert done.code == 3
    assert "known: " in done.err
    assert albumen("packs", "use", "tiny").code == 0
    assert "* tiny" in albumen("packs", "list").out


def test_verify_says_ok_or_what_is_wrong(albumen, album: Path) -> None:
    done = albumen("packs", "verify")
    assert done.code == 0
    assert "tiny is in order: 5 files" in done.out
    tower = default().packs / "tiny" / "image.onnx"
    tower.write_bytes(tower.read_bytes()[:-1] + b"\x01")
    done = albumen("packs", "verify", "tiny")
    assert done.code == 3
    assert "image.onnx is not what the pack was made with" in done.err
    # A search in words needs the other tower alone.
    assert albumen("search", "red").code == 0


def test_what_can_be_pulled_is_listed_with_licence_and_published_figures(albumen) -> None:
    offers = {
        offer["name"]: offer for offer in albumen("packs", "list", "--available", "--json").json
    }
    clip = offers["openai/clip-vit-base-patch32"]
    assert (clip["kind"], clip["licence"], clip["needs_pytorch"]) == ("clip", "MIT", False)
    assert clip["published"] == {"ImageNet-1k zero-shot top-1": 0.632}
    assert offers["google/vit-base-patch16-224"]["kind"] == "classifier"
    words = albumen("packs", "list", "--available")
    assert all(name in words.out for name in offers)
    assert "licence MIT, 63.2 % ImageNet-1k zero-shot top-1" in words.out
    assert "albumen packs pull NAME" in words.err

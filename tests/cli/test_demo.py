"""`albumen demo`: the main job on sample photos, in a library of its own."""

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PHOTOS", raising=False)


def test_it_searches_sample_photos_and_says_how_to_go_on(albumen, tmp_path: Path) -> None:
    done = albumen("demo")
    assert done.code == 0
    blocks = done.out.split("\n\n")
    for block, query, photo in zip(
        blocks[:3],
        ["a cat", "a cup of coffee", "a motorcycle"],
        ["chelsea", "coffee", "motorcycle"],
        strict=True,
    ):
        title, *lines = block.strip().splitlines()
        assert title == query
        assert photo in lines[0]
    assert "albumen index ~/Pictures" in done.out
    assert "albumen problems --library demo" in done.err
    page = (tmp_path / "demo/contact-sheet.html").read_text("utf-8")
    assert page.count("<h1>") == 3


def test_it_leaves_the_users_own_library_alone(albumen, tmp_path: Path) -> None:
    albumen("demo")
    assert list(Path(os.environ["ALBUMEN_HOME"]).iterdir()) == []


def test_photos_of_ones_own_come_from_the_option_or_the_environment(
    albumen, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = albumen("demo", "--photos", prepared / "photos")
    monkeypatch.setenv("PHOTOS", str(prepared / "photos"))
    environment = albumen("demo")
    assert option.code == environment.code == 0
    assert "cat.png" in option.out
    assert option.out == environment.out


def test_without_the_sample_photos_it_says_how_to_get_them(albumen, monkeypatch) -> None:
    monkeypatch.setattr("albumen.cli.demo.find_spec", lambda name: None)
    done = albumen("demo")
    assert done.code == 2
    assert "pip install 'albumen[demo]'" in done.err


def test_an_empty_photos_variable_means_the_sample_photos(albumen, monkeypatch) -> None:
    monkeypatch.setenv("PHOTOS", "")  # as `make demo` sets it
    assert "chelsea" in albumen("demo").out


def test_scikit_image_is_found_and_not_imported(albumen) -> None:
    sys.modules.pop("skimage", None)
    albumen("demo")
    assert "skimage" not in sys.modules

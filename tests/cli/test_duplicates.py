"""`albumen duplicates`: groups for people and for programs, decisions, the page side by side."""

from pathlib import Path

import pytest
from PIL import Image

from albumen.cli.main import run


@pytest.fixture
def copies(sample_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a cat, two copies of it, one of them byte for byte, and coffee; indexed."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("chelsea.png", "coffee.png"):
        Image.open(sample_photos / name).convert("RGB").resize((300, 220)).save(folder / name)
    (folder / "again.png").write_bytes((folder / "chelsea.png").read_bytes())
    Image.open(folder / "chelsea.png").rotate(90, expand=True).save(folder / "turned <b>.jpg")
    monkeypatch.chdir(tmp_path)
    assert run(["index", "photos", "--quiet"]) == 0
    return folder


def test_groups_have_the_names_that_scripts_rely_on(albumen, copies: Path) -> None:
    done = albumen("duplicates", "--json")
    assert done.code == 0
    identical, same = done.json["groups"]
    assert set(same) == {"level", "keeper", "reason", "photos"}
    assert (identical["level"], same["level"]) == ("identical", "same-picture")
    assert [photo["similarity"] for photo in identical["photos"]] == [1.0, 1.0]
    names = {Path(photo["path"]).name for photo in same["photos"]}
    assert names == {"chelsea.png", "again.png", "turned <b>.jpg"}
    assert same["keeper"] == same["photos"][0]["path"] == str(copies / "again.png")


def test_one_level_alone_and_a_preferred_folder(albumen, copies: Path) -> None:
    (copies / "best").mkdir()
    (copies / "chelsea.png").rename(copies / "best" / "chelsea.png")
    assert run(["index", "photos", "--quiet"]) == 0
    done = albumen("duplicates", "--level", "identical", "--prefer", "photos/best", "--json")
    [group] = done.json["groups"]
    assert group["keeper"] == str(copies / "best" / "chelsea.png")
    assert group["reason"] == "it lies in a preferred folder"


def test_words_name_the_keeper_the_reason_and_what_could_go(albumen, copies: Path) -> None:
    done = albumen("duplicates")
    assert "same picture, 3 photos: keep the first, " in done.out
    assert "turned <b>.jpg" in done.out
    assert "2 copies, " in done.err


def test_a_decision_is_remembered(albumen, copies: Path) -> None:
    done = albumen(
        "duplicates", "decide", "photos/again.png", "photos/turned <b>.jpg", "--not-duplicates"
    )
    assert done.code == 0
    levels = [group["level"] for group in albumen("duplicates", "--json").json["groups"]]
    assert levels == ["identical", "same-picture"]
    assert "turned" not in albumen("duplicates").out


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (("photos/again.png", "photos/chelsea.png"), "the same photo"),
        (("photos/again.png", "nowhere.png"), "not in the library"),
    ],
)
def test_a_decision_that_cannot_be_is_refused(
    albumen, copies: Path, paths: tuple[str, str], said: str
) -> None:
    done = albumen("duplicates", "decide", *paths, "--keep-both")
    assert done.code == 3
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_a_decision_says_what_it_decides(albumen, copies: Path) -> None:
    done = albumen("duplicates", "decide", "photos/again.png", "photos/coffee.png")
    assert done.code == 2
    assert "--not-duplicates" in done.err


def test_the_page_shows_groups_side_by_side_and_runs_nothing(albumen, copies: Path) -> None:
    done = albumen("duplicates", "--page", "groups.html")
    assert done.code == 0
    page = Path("groups.html").read_text("utf-8")
    assert page.count("<figure") == 5
    assert "turned &lt;b&gt;.jpg" in page
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_a_library_without_copies_says_so(albumen, copies: Path) -> None:
    for name in ("again.png", "turned <b>.jpg"):
        (copies / name).unlink()
    assert run(["index", "photos", "--quiet"]) == 0
    done = albumen("duplicates")
    assert done.code == 1
    assert "No duplicates" in done.err


def test_search_shows_a_picture_once_with_its_copies_under_it(albumen, copies: Path) -> None:
    results = albumen("search", "a cat", "--all", "--json").json["results"]
    names = [sorted(Path(path).name for path in result["paths"]) for result in results]
    assert sorted(names) == [["again.png", "chelsea.png", "turned <b>.jpg"], ["coffee.png"]]


def test_a_library_indexed_before_gets_its_evidence_with_the_next_run(
    albumen, copies: Path
) -> None:
    from albumen.library.home import default
    from albumen.library.store import Store

    with Store.open(default()) as store:
        store.db.execute("DELETE FROM copy")
        store.db.execute("DELETE FROM evidence")
        store.db.execute(
            "DELETE FROM embedding WHERE pack = (SELECT id FROM pack WHERE name = 'fingerprint')"
        )
    levels = {group["level"] for group in albumen("duplicates", "--json").json["groups"]}
    assert "turned" not in albumen("duplicates").out
    assert "identical" in levels
    assert run(["index", "photos", "--quiet"]) == 0
    assert "turned" in albumen("duplicates").out

"""`albumen tags` as people and scripts use it."""

from pathlib import Path

import pytest


def test_tags_by_hand_are_added_shown_searched_and_removed(albumen, album: Path) -> None:
    cat = album / "cat.png"
    assert albumen("tags", "add", cat, "Rosie", "our\ngarden", "🎉", "חוף").code == 0
    shown = albumen("tags", "show", cat, "--json").json
    assert {"tag": "Rosie", "score": 1.0, "by": "hand"} in shown
    assert {tag["tag"] for tag in shown} == {"Rosie", "our garden", "🎉", "חוף"}
    [result] = albumen("search", "--tag", "rosie", "--json").json["results"]
    assert Path(result["path"]).name in ("cat.png", "copy of cat.png")
    assert albumen("tags", "remove", cat, "ROSIE").code == 0
    assert "Rosie" not in albumen("tags", "show", cat).out
    listed = {one["tag"]: one for one in albumen("tags", "list", "--json").json}
    assert listed["חוף"] == {"tag": "חוף", "photos": 1, "hand": 1, "file": 0, "model": 0}
    assert "Rosie" not in listed


def test_emoji_are_shown_whole_and_deceiving_marks_are_not(albumen, album: Path) -> None:
    family = "👨\u200d👩\u200d👧"
    albumen("tags", "add", album / "cat.png", family, "gnp\u202egpj")
    out = albumen("tags", "show", album / "cat.png").out
    assert family in out
    assert "\u202e" not in out


def test_apply_counts_photos_and_tagged(albumen, album: Path) -> None:
    done = albumen("tags", "apply", "--json")
    assert done.code == 0
    assert set(done.json) == {"photos", "tagged"}
    assert 0 <= done.json["tagged"] <= done.json["photos"] == 5
    assert albumen("tags", "apply", "--json").json == done.json
    for tag in albumen("tags", "show", album / "cat.png", "--json").json:
        assert tag["by"] == "model"
        assert 0.5 <= tag["score"] <= 1


def test_the_vocabulary_is_printed_changed_and_brought_back(
    albumen, album: Path, tmp_path: Path
) -> None:
    before = albumen("tags", "vocabulary").out
    assert "[animals]\ncat\n" in before
    albumen("tags", "vocabulary", "--add", "axolotl", "--group", "animals", "--remove", "volcano")
    changed = albumen("tags", "vocabulary", "--json").json
    assert "axolotl" in changed["animals"]
    assert "volcano" not in changed["places"]
    (tmp_path / "mine.txt").write_text("[us]\nRosie = a small dog\n")
    done = albumen("tags", "vocabulary", "--file", tmp_path / "mine.txt")
    assert "The vocabulary has 1 tag (" in done.err
    assert albumen("tags", "vocabulary").out == "[us]\nRosie = a small dog\n"
    albumen("tags", "vocabulary", "--default")
    assert albumen("tags", "vocabulary").out == before


def test_the_vocabulary_is_edited_in_ones_editor(
    albumen, album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "sed -i s/volcano/lava/")
    assert albumen("tags", "vocabulary", "--edit").code == 0
    assert "\nlava\n" in albumen("tags", "vocabulary").out
    monkeypatch.setenv("VISUAL", "false")
    assert albumen("tags", "vocabulary", "--edit").code == 2


def test_an_empty_vocabulary_is_said(albumen, album: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    assert albumen("tags", "vocabulary", "--file", tmp_path / "empty.txt").code == 0
    done = albumen("tags", "apply")
    assert (done.code, done.out) == (2, "")
    assert "the vocabulary is empty" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("show", "nowhere.jpg"), 1, "is not in the library; take it in with: albumen index"),
        (("add", "notes.txt", "x"), 1, "is not in the library"),
        (("add", "cat.png", " "), 3, "at least one character"),
        (("add", "cat.png", "x" * 300), 3, "longer than 200"),
        (("vocabulary", "--remove", "axolotl"), 2, 'no tag "axolotl"'),
        (("vocabulary", "--file", "gone.txt"), 2, "cannot read the vocabulary gone.txt"),
        (("vocabulary", "--default", "--edit"), 2, "exclude each other"),
        (("vocabulary", "--group", "x"), 2, "--add TAG"),
        (("export",), 2, "--to DIR, or --beside"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    albumen, album: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple, code: int, told: str
) -> None:
    monkeypatch.chdir(album)
    done = albumen("tags", *arguments)
    assert (done.code, done.out) == (code, "")
    assert told in done.err
    assert done.err.count("\n") == 1


def test_a_tag_nobody_has_finds_nothing_and_says_so(albumen, album: Path) -> None:
    done = albumen("search", "a cat", "--tag", "nobody")
    assert done.code == 1
    assert 'no photo has the tag "nobody"' in done.err


def test_export_writes_beside_and_names_what_it_leaves(
    albumen, album: Path, tmp_path: Path
) -> None:
    albumen("tags", "add", album / "cat.png", "Rosie")
    done = albumen("tags", "export", "--to", tmp_path / "out", "--json")
    assert done.json == {"written": 2, "unchanged": 0, "kept": 0, "failed": 0}
    for file in (tmp_path / "out").rglob("*.xmp"):
        file.write_text("mine")
    done = albumen("tags", "export", "--to", tmp_path / "out")
    assert done.err.count("another program wrote it") == 2


def test_show_tells_tags_and_what_the_file_says(albumen, album: Path) -> None:
    albumen("tags", "add", album / "cat.png", "Rosie")
    facts = albumen("show", album / "cat.png", "--json").json
    assert facts["tags"] == [{"tag": "Rosie", "score": 1.0, "by": "hand"}]
    assert facts["told"] == []
    assert "Rosie" in albumen("show", album / "cat.png").out

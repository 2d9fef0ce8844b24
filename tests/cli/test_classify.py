"""`albumen classify`: what photos show, by a pack's labels or by words."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.packs.tiny_pack import COLOURS

from albumen import Library, UsageError
from albumen.library.home import default
from albumen.packs import open_pack


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    """Plain pictures named after their colours, of several formats, one in a folder below."""
    folder = tmp_path / "cards"
    (folder / "deep").mkdir(parents=True)
    for name, suffix in [("red", "png"), ("green", "jpg"), ("blue", "webp"), ("white", "tif")]:
        place = folder / "deep" if name == "white" else folder
        Image.new("RGB", (90, 60), COLOURS[name]).save(place / f"{name}.{suffix}")
    return folder


@pytest.fixture
def installed(tiny_classifier: Path) -> str:
    """The classifier among the packs of this test's library."""
    shutil.copytree(tiny_classifier, default().packs / "colours")
    return "colours"


def best(lines: list[dict]) -> list[tuple[str, str]]:
    return [(Path(line["path"]).stem, line["labels"][0]["label"]) for line in lines]


def test_a_classifier_that_is_installed_answers_with_its_own_labels(
    albumen, cards: Path, installed: str
) -> None:
    done = albumen("classify", cards / "red.png", "--json")
    (line,) = done.lines
    assert done.code == 0
    assert list(line) == ["path", "pack", "labels"]
    assert (line["path"], line["pack"]) == (str(cards / "red.png"), "colours")
    assert len(line["labels"]) == 5
    pixels = np.broadcast_to(np.uint8(COLOURS["red"]), (1, 32, 32, 3))
    expected = open_pack(default().packs / "colours").classify_images(pixels)[0]
    for one in line["labels"]:
        place = list(COLOURS).index(one["label"])
        assert one["probability"] == pytest.approx(expected[place], abs=1e-5)
    shown = [one["probability"] for one in line["labels"]]
    assert shown == sorted(shown, reverse=True)


def test_folders_are_searched_and_every_format_is_decoded(
    albumen, cards: Path, installed: str
) -> None:
    (cards / "notes.txt").write_text("no picture, and nobody said it was")
    done = albumen("classify", cards, "--json", "--top", "1")
    assert done.code == 0
    assert done.err == ""
    assert sorted(best(done.lines)) == [(c, c) for c in ("blue", "green", "red", "white")]
    assert all(len(line["labels"]) == 1 for line in done.lines)


def test_more_photos_than_one_batch_come_in_their_order(
    albumen, tmp_path: Path, installed: str
) -> None:
    names = [list(COLOURS)[i % 7] for i in range(150)]
    files = [tmp_path / f"{i:03}.png" for i in range(150)]
    for file, name in zip(files, names, strict=True):
        Image.new("RGB", (40, 40), COLOURS[name]).save(file)
    done = albumen("classify", *files, "--json")
    assert [line["path"] for line in done.lines] == [str(file) for file in files]
    assert [label for _, label in best(done.lines)] == names


def test_words_are_judged_by_templates_and_the_packs_own_temperature(
    albumen, cards: Path, tiny_pack: Path
) -> None:
    labels = "red, a green,blue , blue,"
    done = albumen(
        "classify", cards / "green.jpg", "--labels", labels, "--pack", tiny_pack, "--json"
    )
    (line,) = done.lines
    pack = open_pack(tiny_pack)
    with Image.open(cards / "green.jpg") as picture:
        image = pack.encode_images(pack.preprocessing.apply(np.asarray(picture))[np.newaxis])[0]
    names = ["red", "a green", "blue"]
    powers = np.exp(
        pack.manifest.logit_scale * np.float64([pack.encode_label(n) @ image for n in names])
    )
    expected = dict(zip(names, powers / powers.sum(), strict=True))
    assert {one["label"]: one["probability"] for one in line["labels"]} == pytest.approx(
        expected, abs=1e-3
    )
    assert line["labels"][0]["label"] == "a green"


def test_a_hotter_pack_is_less_sure(albumen, cards: Path, tiny_pack: Path, tmp_path: Path) -> None:
    hot = shutil.copytree(tiny_pack, tmp_path / "hot")
    told = json.loads((hot / "pack.json").read_text())
    assert told["logit_scale"] == 100.0  # what a pack has that says nothing: the ceiling of CLIP's
    (hot / "pack.json").write_text(json.dumps(told | {"logit_scale": 1.0}))
    sure, unsure = (
        albumen("classify", cards / "red.png", "--labels", "red,grey", "--pack", pack, "--json")
        for pack in (tiny_pack, hot)
    )
    first, second = (one.lines[0]["labels"][0]["probability"] for one in (sure, unsure))
    assert 0.5 < second < first


def test_without_labels_a_clip_pack_says_what_to_do(albumen, cards: Path, tiny_pack: Path) -> None:
    for words in ([], ["--labels", " , "]):
        done = albumen("classify", cards, "--pack", tiny_pack, *words)
        assert (done.code, done.out) == (2, "")
        assert '--labels "a cat, a dog"' in done.err


def test_labels_for_a_pack_that_has_its_own_are_refused(
    albumen, cards: Path, tiny_classifier: Path
) -> None:
    done = albumen("classify", cards, "--pack", tiny_classifier, "--labels", "red,blue")
    assert done.code == 2
    assert "with labels of its own" in done.err


def test_words_ask_the_pack_in_use_even_beside_a_classifier(
    albumen, album: Path, installed: str
) -> None:
    done = albumen("classify", album / "cat.png", "--labels", "red,green", "--json")
    assert done.lines[0]["pack"] == "tiny"
    assert albumen("classify", album / "cat.png", "--json").lines[0]["pack"] == "colours"


def test_a_file_that_cannot_be_read_is_named_and_the_rest_goes_on(
    albumen, cards: Path, installed: str
) -> None:
    (cards / "broken.jpg").write_bytes((cards / "green.jpg").read_bytes()[:200])
    (cards / "text.png").write_text("no picture at all")
    done = albumen("classify", cards, "--json")
    assert (done.code, len(done.lines)) == (0, 4)
    assert f"Skipped: {cards / 'broken.jpg'}: " in done.err
    assert f"Skipped: {cards / 'text.png'}: " in done.err
    assert "2 files left out" in done.err
    assert albumen("classify", cards, "--strict").code == 1
    nothing = albumen("classify", cards / "text.png")
    assert (nothing.code, nothing.out) == (1, "")


def test_a_pipe_is_not_waited_for(albumen, cards: Path, installed: str) -> None:
    os.mkfifo(cards / "pipe.png")
    done = albumen("classify", cards / "pipe.png")
    assert done.code == 1
    assert "no ordinary file" in done.err


def test_a_path_that_is_not_there_and_a_pack_that_is_none(albumen, cards: Path) -> None:
    done = albumen("classify", cards / "gone.png", "--labels", "a,b")
    assert done.code == 2
    assert "gone.png is not there" in done.err
    assert albumen("classify", cards, "--labels", "a,b", "--pack", "unheard-of").code == 3
    assert albumen("classify", "--labels", "a,b").code == 2
    assert albumen("classify", cards, "--top", "0").code == 2


def test_an_empty_folder_is_told(albumen, tmp_path: Path, installed: str) -> None:
    (tmp_path / "empty").mkdir()
    done = albumen("classify", tmp_path / "empty")
    assert done.code == 1
    assert "No photo was found" in done.err


def test_for_people_there_is_a_line_a_label(albumen, cards: Path, tiny_classifier: Path) -> None:
    done = albumen("classify", cards / "red.png", "--pack", tiny_classifier, "--top", "2")
    name, first, second = done.out.splitlines()
    assert name == str(cards / "red.png")
    assert first.split()[1] == "red"
    assert second.split()[0].endswith("%")


def test_progress_goes_to_stderr_and_quiet_keeps_it_away(
    albumen, cards: Path, installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("albumen.cli.progress.SECONDS_BETWEEN_LINES", 0.0)
    assert "4 of 4 files" in albumen("classify", cards, "--json").err
    assert albumen("classify", cards, "--json", "--quiet").err == ""


def test_no_library_is_made(albumen, cards: Path, tiny_classifier: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = albumen("classify", cards, "--pack", tiny_classifier, "--library", home)
    assert done.code == 0
    assert not home.exists()


def test_a_classifier_indexes_nothing(albumen, cards: Path, installed: str) -> None:
    done = albumen("index", cards, "--pack", installed)
    assert done.code == 2
    assert "is a classifier" in done.err
    assert albumen("packs", "use", installed).code == 2


def test_it_is_listed_with_its_kind_and_figures(albumen, installed: str) -> None:
    (info,) = [one for one in albumen("packs", "list", "--json").json if one["name"] == installed]
    assert (info["kind"], info["architecture"]) == ("classifier", "nearest colour")
    assert (info["licence"]["id"], info["precision"]["weights"]) == ("CC0-1.0", "float32")
    assert info["figures"] == {"colours": {"top1": 1.0}}
    assert "7 labels" in albumen("packs", "list").out


def test_a_program_gets_values(cards: Path, tiny_pack: Path, tiny_classifier: Path) -> None:
    seen = []
    with Library(pack=str(tiny_classifier)) as library:
        (photo,) = library.classify(cards / "red.png", top=2, progress=seen.append)
    assert (photo.path, photo.pack, photo.failure) == (cards / "red.png", "colours", None)
    assert photo.labels[0].label == "red"
    assert [(event.done, event.found) for event in seen] == [(1, 1)]
    with Library(pack=str(tiny_pack)) as library:
        (photo,) = library.classify(str(cards / "blue.webp"), labels=["blue, the colour", "red"])
        assert photo.labels[0].label == "blue, the colour"
        with pytest.raises(UsageError):
            library.classify(cards / "red.png")

"""A classifier is judged by the numbers of its own labels."""

import json
from pathlib import Path

import pytest
from tests.evaluation.shard import jpeg, row, write
from tests.packs.tiny_classifier import build
from tests.packs.tiny_pack import COLOURS

from albumen.cli.main import run
from albumen.evaluation import evaluate
from albumen.packs import Pack, open_pack

NAMES = list(COLOURS)


@pytest.fixture(scope="module")
def pack(tiny_classifier: Path) -> Pack:
    return open_pack(tiny_classifier)


def shard(file: Path, *classes: tuple[str, int, str | None]) -> Path:
    """Pictures, each of a colour, with a class number and a label."""
    rows = []
    for place, (colour, number, label) in enumerate(classes):
        key, parts = row(f"{place:03}", jpeg(COLOURS[colour]), label=label, captions=["a picture"])
        rows.append((key, parts | {"cls": str(number).encode()}))
    return write(file, rows)


def test_the_first_and_the_first_five_are_counted_with_their_errors(
    pack: Pack, tmp_path: Path
) -> None:
    right = [(name, number, name) for number, name in enumerate(NAMES)]
    # White is as far from black as can be: black is the seventh of seven guesses for it.
    wrong = [("white", NAMES.index("black"), "black"), ("grey", NAMES.index("grey"), "grey")]
    report = evaluate([shard(tmp_path / "a.tar", *right, *wrong)], pack)
    told = report.as_json()["classification"]
    assert (told["images"], told["classes"]) == (9, 7)
    assert told["top1"] == told["top5"] == pytest.approx(8 / 9, abs=1e-6)
    assert told["top1_se"] == pytest.approx((8 / 9 * 1 / 9 / 8) ** 0.5, abs=1e-6)
    assert (report.retrieval, report.zero_shot, report.notes) == ({}, {}, ())


def test_a_class_that_the_pack_has_no_label_for_is_said_and_nothing_measured(
    pack: Pack, tmp_path: Path
) -> None:
    for number in (7, 10**40):
        report = evaluate([shard(tmp_path / "a.tar", ("red", number, "red"))], pack)
        assert report.classification is None
        assert f"have a class {number}, the pack has labels 0 to 6" in report.notes[0]


def test_fewer_classes_than_labels_are_measured_and_said(pack: Pack, tmp_path: Path) -> None:
    report = evaluate([shard(tmp_path / "a.tar", ("red", 0, None), ("blue", 2, None))], pack)
    assert report.classification is not None
    assert (report.classification.classes, report.classification.top1.value) == (7, 1.0)
    assert report.notes == ("the shards hold 2 of the pack's 7 classes",)


def test_other_names_for_the_same_numbers_raise_a_doubt(tmp_path: Path) -> None:
    pack = open_pack(build(tmp_path / "turned", labels=tuple(NAMES[::-1])))
    all_classes = [(name, number, name.upper()) for number, name in enumerate(NAMES)]
    (note,) = evaluate([shard(tmp_path / "a.tar", *all_classes)], pack).notes
    assert note == (  # the fourth of seven has the same name from both ends
        "6 of 7 classes are called otherwise by the shards: class 0 is 'RED' there and 'grey' in "
        "the pack"
    )


def test_without_class_numbers_there_is_nothing_to_ask_a_classifier(
    pack: Pack, wide_shard: Path
) -> None:
    report = evaluate([wide_shard], pack)
    assert report.as_json() == {
        "pack": "colours", "retrieval": {}, "zero_shot": {}, "classification": None,
    }  # fmt: skip
    assert "no picture has a class number" in report.notes[0]


def test_the_command_fills_classification(
    tiny_classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = shard(tmp_path / "a.tar", *[(name, i, name) for i, name in enumerate(NAMES)])
    assert run(["evaluate", str(pictures), "--pack", str(tiny_classifier), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["pack"], told["zero_shot"]) == ("colours", {})
    assert told["classification"] == {
        "images": 7, "classes": 7, "top1": 1.0, "top1_se": 0.0, "top5": 1.0, "top5_se": 0.0,
    }  # fmt: skip
